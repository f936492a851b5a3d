"""The size of every frame of the server is bounded, so that any client that reads can receive it."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from server.handlers.catch_up import MAX_CHANGED
from server.handlers.pages import fit_messages, fit_reactions
from server.handlers.places import MAX_LISTED
from server.http.callbacks import MAX_NOTE_CHARS
from server.protocol import frames, target
from server.protocol.codec import encode
from server.protocol.frames import MAX_CONTEXT_BEFORE, MAX_MESSAGE_CHARS, MAX_STATUS_CHARS, ServerFrame
from server.protocol.name_text import MAX_NAME_CHARS
from server.reporting.desk import MAX_LISTED_BYTES
from server.room.presence_wires import GATHERED_BYTES
from server.room.who_pages import PAGE as WHO_PAGE
from server.rules.messages import Person, Publication
from server.rules.reactions import MAX_EMOJI, MAX_REACTIONS
from server.rules.relations import MAX_RELATIONS
from server.rules.reports import MAX_EXCERPT_CHARS
from server.settings import MAX_CHANNELS, MAX_REASONS
from server.storage.base import MAX_PAGE_BYTES, MAX_REACTED_BYTES, Page
from server.storage.report_rows import MAX_ADDITIONS
from server.websocket.connection import MAX_UNSENT_BYTES

AT = datetime(2026, 12, 31, 23, 59, 59, 999999, UTC)
LAST = 2**63 - 1
NAME = "𐍈" * MAX_NAME_CHARS
PLACE = target.conversation(NAME)
WHO = frames.WhoEntry(NAME, LAST, "𐍈" * MAX_STATUS_CHARS, dnd=True)
NONCE = "𐍈" * 64
REACTIONS = [frames.Reaction("👩🏽‍🚀", [NAME] * (MAX_REACTIONS // MAX_EMOJI))] * MAX_EMOJI
LONGEST = Publication(
    LAST, AT, Person(NAME, "a"), "", Person(NAME, "b"), "\x01" * MAX_MESSAGE_CHARS, NONCE, reactions=tuple(REACTIONS)
)
PAGE, _ = fit_messages(Page([LONGEST] * 100, more=True), Person(NAME, "b"))
WORDS, LINE = "𐍈" * 1000, "𐍈" * 256
ADDITIONS = [frames.Addition(AT, LINE, WORDS)] * MAX_ADDITIONS
REPORT = frames.ReportEntry(
    *("rep_" + "0" * 16, LAST, NAME, PLACE, AT, "\x01" * MAX_EXCERPT_CHARS, LINE, "\x01" * 1000, AT, "withdrawn"),
    *(WORDS, AT, "\x01" * MAX_NOTE_CHARS, ADDITIONS),
)
MAX_GATHERED = GATHERED_BYTES // len(encode(frames.Presence(NAME, "has joined the room!", WHO)))
LARGEST = [
    frames.Welcome(
        *("e" * 16, "𐍈" * 64, [frames.ChannelEntry("c" * 64, "𐍈" * 64)] * MAX_CHANNELS),
        frames.Webhooks(report=True, profile=True),
        [frames.ReportReason(LINE, comment_required=True)] * MAX_REASONS,
        frames.Limits(context_before=MAX_CONTEXT_BEFORE),
    ),
    frames.Me(NAME, op=False, status="𐍈" * MAX_STATUS_CHARS, proof=b"0" * 32),
    frames.Who([WHO] * WHO_PAGE, more=True),
    frames.Presence(NAME, "has joined the room!", WHO),
    frames.Presences([frames.Presence(NAME, "has joined the room!", WHO)] * MAX_GATHERED),
    frames.Relations([NAME] * (MAX_RELATIONS // 2), [NAME] * (MAX_RELATIONS // 2)),
    LONGEST.frame_for(Person(NAME, "b")),
    frames.Takeback(LAST),
    frames.Reacted(LAST, NAME, "👩🏽‍🚀", remove=True),
    frames.Edited(LAST, "\x01" * MAX_MESSAGE_CHARS),
    frames.Block(NAME),
    frames.Typing(PLACE),
    frames.Echo(PAGE, False, [LAST] * MAX_CHANGED, fit_reactions([frames.Reactions(LAST, REACTIONS)] * 100)),
    frames.Places([frames.PlaceEntry(PLACE, LAST, LAST, LAST, LAST)] * MAX_LISTED),
    frames.Read(PLACE, LAST, closed=True),
    frames.History(PLACE, PAGE, True, NONCE),
    frames.SearchResults(PAGE, True, NONCE, LAST),
    frames.ReportStatus(REPORT, NONCE),
    frames.Profile(NAME, [frames.ProfileField(LINE, WORDS)] * 16, NONCE, WORDS, WORDS),
    frames.Error(WORDS, "too-many-relations", "ChatServer", NONCE, PLACE),
    frames.Pong(),
    frames.Disconnect(WORDS, 1013, reconnect=True),
]
LISTED = frames.Reports
"""Bounded by MAX_LISTED_BYTES; the desk's tests prove it."""


def test_the_table_of_largest_frames_has_every_frame() -> None:
    assert {*map(type, LARGEST), LISTED} == set(get_args(ServerFrame))


@pytest.mark.parametrize("frame", LARGEST, ids=lambda frame: type(frame).__name__)
def test_the_largest_frame_is_less_than_a_client_may_leave_unread(frame: ServerFrame) -> None:
    assert len(encode(frame)) < MAX_UNSENT_BYTES


def test_what_a_login_sends_at_once_is_less_than_a_client_may_leave_unread() -> None:
    # Larger lists are sent as they are read.
    assert MAX_PAGE_BYTES + MAX_REACTED_BYTES < MAX_UNSENT_BYTES
    assert MAX_LISTED_BYTES < MAX_UNSENT_BYTES
