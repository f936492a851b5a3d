"""Limits on what the client accepts from a server: characters of each text, entries of each list, and totals.

A genuine server stays far below. Longer texts end in MARK; if entries were left out, the user is notified once.
"""

from msgspec import Struct

from server.protocol import frames
from server.protocol.name_text import MAX_NAME_CHARS

MARK = "…"
MAX_FRAME_BYTES = 1024 * 1024
"""The largest frame of a genuine server lists the people of a room: thousands, at some 100 bytes each."""

MAX_PEOPLE = 20_000
MAX_CHANNELS = 500
MAX_PLACES = 1_000
"""Channels and conversations open at a time."""
MAX_REPORTS = 200
MAX_TAKEBACKS = 10_000
"""Deleted messages whose numbers are remembered, in case such a message arrives after its deletion."""
MAX_OWN_NAMES = 100
MAX_EMOJI = 40
MAX_NAMES = 500
"""People listed under one emoji of a message."""
MAX_WEIGHT = 200_000
"""Messages and notices in all timelines; see `tui.client.entries.weight`."""

ID = 128
NAME = 4 * MAX_NAME_CHARS
PLACE = NAME + 1
EMOJI = 2 * frames.MAX_EMOJI_CHARS
TEXT = 2 * frames.MAX_MESSAGE_CHARS
WORDS = 4 * frames.MAX_COMMENT_CHARS
"""Texts of the server or the site: a notice, an error, a value of a profile."""
LINE = 512
LINK = 1024


class Items(Struct, frozen=True):
    """Maximum entries of a list, and maximum characters of each if they are texts."""

    most: int
    chars: int = 0


LIMITS: dict[str, int | Items] = {
    "ChannelEntry.id": ID,
    "ChannelEntry.name": NAME,
    "ReportReason.reason": LINE,
    "Welcome.epoch": ID,
    "Welcome.title": LINE,
    "Welcome.channels": Items(MAX_CHANNELS),
    "Welcome.report_reasons": Items(100),
    "Welcome.website": LINE,
    "DirectMessages.disclaimer": WORDS,
    "Welcome.sign_in": ID,
    "Welcome.landing_page": LINE,
    "Welcome.server": ID,
    "Welcome.challenge": ID,
    "Me.username": NAME,
    "Me.status": NAME,
    "WhoEntry.username": NAME,
    "WhoEntry.status": NAME,
    "WhoEntry.nickname": NAME,
    "WhoEntry.avatar": LINK,
    "WhoEntry.profile_url": LINK,
    "WhoEntry.emoji": NAME,
    "WhoEntry.gender": NAME,
    "Who.who_list": Items(MAX_PEOPLE),
    "Presence.username": NAME,
    "Presence.message": LINE,
    "Presences.changes": Items(MAX_PEOPLE),
    "Relations.muted": Items(MAX_PEOPLE, NAME),
    "Relations.blocked": Items(MAX_PEOPLE, NAME),
    "Block.username": NAME,
    "Reaction.emoji": EMOJI,
    "Reaction.usernames": Items(MAX_NAMES, NAME),
    "Reactions.reactions": Items(MAX_EMOJI),
    "Message.channel": PLACE,
    "Message.username": NAME,
    "Message.message": TEXT,
    "Message.nonce": ID,
    "Message.reactions": Items(MAX_EMOJI),
    "Edited.message": TEXT,
    "NewText.message": TEXT,
    "Reacted.username": NAME,
    "Reacted.message": EMOJI,
    "Typing.channel": PLACE,
    "Echo.messages": Items(2_000),
    "Echo.taken_back": Items(MAX_TAKEBACKS // 10),
    "Echo.reacted": Items(1_000),
    "Echo.edited": Items(1_000),
    "Places.places": Items(MAX_PLACES),
    "PlaceEntry.channel": PLACE,
    "Read.channel": PLACE,
    "SearchResults.messages": Items(200),
    "SearchResults.nonce": ID,
    "History.channel": PLACE,
    "History.messages": Items(200),
    "History.nonce": ID,
    "Addition.reason": LINE,
    "Addition.comment": WORDS,
    "ReportEntry.report_id": ID,
    "ReportEntry.about": NAME,
    "ReportEntry.channel": PLACE,
    "ReportEntry.message": TEXT,
    "ReportEntry.reason": LINE,
    "ReportEntry.comment": WORDS,
    "ReportEntry.status": ID,
    "ReportEntry.error": WORDS,
    "ReportEntry.note": WORDS,
    "ReportEntry.additions": Items(10),
    "ReportStatus.nonce": ID,
    "Reports.reports": Items(200),
    "Reports.changed": Items(200, ID),
    "Reports.nonce": ID,
    "ProfileField.name": LINE,
    "ProfileField.value": WORDS,
    "Profile.username": NAME,
    "Profile.profile_fields": Items(100),
    "Profile.nonce": ID,
    "Profile.headline": WORDS,
    "Profile.error": WORDS,
    "Pong.jwt": frames.MAX_TOKEN_CHARS,
    "Error.message": WORDS,
    "Error.code": ID,
    "Error.username": NAME,
    "Error.nonce": ID,
    "Error.channel": PLACE,
    "Disconnect.why": LINE,
}
"""By type and field: characters, or entries. Every text and list of a frame has a limit."""
