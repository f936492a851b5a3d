"""The frames of the wire protocol: one type for each action and direction."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from server.protocol.name_text import MAX_NAME_CHARS

CHAT_SERVER = "ChatServer"
"""The author of the server's own messages; no user can have this name."""

MAX_FRAME_BYTES = 64 * 1024
MAX_MESSAGE_CHARS = 4000
MAX_COMMENT_CHARS = 1000
MAX_PAGE = 100
MAX_UNREAD = 100
MAX_QUERY_CHARS = 128
MAX_STATUS_CHARS = 32
MAX_TOKEN_CHARS = 8192
MAX_EMOJI_CHARS = 32
MAX_BLOCKLIST = 500
MAX_CONTEXT_BEFORE = 10
MAX_CONTEXT_AFTER = 5

MAX_CLAIMED_CHARS = 4 * MAX_MESSAGE_CHARS
"""Maximum length of the text that identifies the message of a report: HTML is longer than its source."""
ABSENT = "(absent)"

Nonce = Annotated[str, Meta(min_length=1, max_length=64, description="New for each request; the answer repeats it.")]
MsgID = Annotated[
    int, Meta(ge=1, le=2**63 - 1, description="Number of the message in the whole room; grows, with gaps.")
]
ReportID = Annotated[str, Meta(min_length=1, max_length=64, description="ID of the report; it never changes.")]
Target = Annotated[str, Meta(max_length=128, description="A channel ID, or `@username` for a conversation.")]
Token = Annotated[
    str,
    Meta(
        min_length=16,
        max_length=128,
        description="For old clients: a secret that identifies the user to anyone who learns it. Use `prove` instead.",
    ),
]
Name = Annotated[str, Meta(max_length=256, description="The user's display name.")]
RequestNonce = Annotated[str, Meta(description="The nonce of the request.")]
SiteToken = Annotated[str, Meta(max_length=MAX_TOKEN_CHARS, description="A token of the site (JWT, HS256).")]
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Challenge = Annotated[str, Meta(max_length=64)]


class Frame(msgspec.Struct, frozen=True, tag_field="action", omit_defaults=True, rename="camel"):
    """Base of all frames; `action` selects the type. Unknown fields are ignored."""


class Since(msgspec.Struct, frozen=True, rename={"msg_id": "msgID"}):
    """The last message that the client has received, and the epoch of its number."""

    epoch: Annotated[str, Meta(max_length=64, description="The `epoch` of `welcome` when it was received.")]
    msg_id: Annotated[int, Meta(ge=0, le=2**63 - 1, description="The highest msgID that was received.")]


class Enrol(msgspec.Struct, frozen=True, rename="camel"):
    """The keys that the server stores to recognise a new user; neither of them is enough to log in."""

    stored_key: Annotated[Key, Meta(description="`stored_key` of [the login](#log-in-as-the-same-person).")]
    server_key: Annotated[Key, Meta(description="`server_key` of [the login](#log-in-as-the-same-person).")]

    def __repr__(self) -> str:
        # Crash reports print arguments, so keep keys out of the repr.
        return "Enrol"


class Prove(msgspec.Struct, frozen=True, rename="camel"):
    """Proof that the client has the secret of an enrolled user; valid on this connection only."""

    identity: Annotated[str, Meta(max_length=64, description="`identity` of [the login](#log-in-as-the-same-person).")]
    client_nonce: Annotated[str, Meta(min_length=16, max_length=64, description="Random, and new for each login.")]
    proof: Annotated[Key, Meta(description="`proof` of [the login](#log-in-as-the-same-person).")]

    def __repr__(self) -> str:
        # Crash reports print arguments, so keep keys out of the repr.
        return "Prove"


class Login(Frame, frozen=True, tag="login"):
    """Log in with a display name and at most one of `enrol`, `prove` and `token`, or with `jwt`; else as a new user."""

    username: Annotated[
        str, Meta(max_length=256, description="The display name that you want, at most `limits.nameChars` characters.")
    ]
    token: Token | None = None
    since: Annotated[Since | None, Meta(description="Resume: `echo` has what you missed after this message.")] = None
    enrol: Annotated[Enrol | None, Meta(description="Log in as a new user. Wait for `me` before sending more.")] = None
    prove: Annotated[
        Prove | None, Meta(description="Log in as an enrolled user. Wait for `me`, and verify its `proof`.")
    ] = None
    jwt: Annotated[
        SiteToken | None,
        Meta(
            description="Log in as a member of the site. You get the name in the token, not `username`. Ignored if"
            ' `signIn` of `welcome` is "nickname".'
        ),
    ] = None
    dnd: Annotated[bool | None, Meta(description="Log in with Do not disturb turned on.")] = None
    dialect: Annotated[
        Literal["flagpost", "barertc"] | None,
        Meta(
            description='The frames that you expect: "flagpost", or "barertc" (`who` after every change, no `presence`'
            " without a message, no `presences`, and one `unknown-action` at most). If it is missing, the other fields"
            ' decide: any of `token`, `since`, `enrol` and `prove` means "flagpost", otherwise `jwt` or `dnd` means'
            ' "barertc"; with none of them you receive `who` after every change, and every `presence`.'
        ),
    ] = None

    def __repr__(self) -> str:
        # Crash reports print arguments, so keep the token out of the repr.
        return f"Login({self.username!r})"


class Say(Frame, frozen=True, tag="message"):
    """Send a message (Markdown) to a channel or a user. Resent within 24 h with the same nonce, it counts once.

    If an operator's message begins with a slash, it is a command, which ChatServer answers. Two slashes send it as
    a message that begins with one.
    """

    channel: Annotated[
        Target, Meta(description="A channel ID, or `@username` for a direct message. A command needs neither.")
    ] = ""
    message: Annotated[str, Meta(description="The text, at most `limits.messageChars` characters.")] = ABSENT
    nonce: Nonce | None = None

    def __post_init__(self) -> None:
        # A field after one with a default needs a default as well.
        if self.message is ABSENT:
            raise ValueError("Object missing required field `message`")


class HistoryRequest(Frame, frozen=True, tag="history", rename={"before_id": "beforeID", "after_id": "afterID"}):
    """Request a page of the messages of a channel or conversation."""

    channel: Target
    nonce: Nonce
    before_id: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="Only messages before this one, the newest of them; 0: all.")
    ] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Maximum number of messages.")] = 50
    after_id: Annotated[
        Annotated[int, Meta(ge=0, le=2**63 - 1)] | None,
        Meta(description="Only messages after this one, the oldest of them."),
    ] = None


class ReportRequest(Frame, frozen=True, tag="report", rename={"msg_id": "msgID"}):
    """Report a message. Its text, author and time come from the server's record, never from the client."""

    msg_id: Annotated[
        MsgID, Meta(description="Without it, `channel`, `username` and `message` identify the message.")
    ] = 0
    reason: Annotated[
        str,
        Meta(
            max_length=256, description="One of `reportReasons` in `welcome`; without `msgID`, any that is not empty."
        ),
    ] = ""
    comment: Annotated[str, Meta(description="At most `limits.commentChars` characters.")] = ""
    nonce: Nonce | None = None
    context: Annotated[
        tuple[MsgID, ...],
        Meta(
            max_length=MAX_CONTEXT_BEFORE + MAX_CONTEXT_AFTER,
            description="Messages to include as context, from the 10 before and 5 after it that you can see. Ignored"
            " unless `webhooks` of `welcome` has `evidence`.",
        ),
    ] = ()
    add: Annotated[bool, Meta(description="Add to your earlier report of this message, if there is one.")] = False
    channel: Annotated[Target, Meta(description="The channel of the message, if there is no `msgID`.")] = ""
    username: Annotated[str, Meta(max_length=256, description="Its author, if there is no `msgID`.")] = ""
    message: Annotated[
        str,
        Meta(
            max_length=MAX_CLAIMED_CHARS,
            description="Its text, if there is no `msgID`; HTML elements make no difference. Only used to find it.",
        ),
    ] = ""


class ReportsRequest(Frame, frozen=True, tag="reports"):
    """Request your own reports."""

    nonce: Nonce


class Withdraw(Frame, frozen=True, tag="withdraw", rename={"report_id": "reportID"}):
    """Withdraw one of your reports, unless the site has resolved it."""

    report_id: ReportID
    nonce: Nonce | None = None


class Takeback(Frame, frozen=True, tag="takeback", rename={"msg_id": "msgID"}):
    """Delete one of your messages (operators: any that they can read); sent to everyone who could read it."""

    msg_id: MsgID


class Edit(Frame, frozen=True, tag="edit", rename={"msg_id": "msgID"}):
    """Replace the text of one of your messages, at most 20 times. Reports of it contain all versions."""

    msg_id: MsgID
    message: Annotated[str, Meta(description="The new text, at most `limits.messageChars` characters.")]
    nonce: Annotated[Nonce | None, Meta(description="An `error` repeats it.")] = None


class React(Frame, frozen=True, tag="react", rename={"msg_id": "msgID"}):
    """Add or remove your reaction to a message; the server announces it to everyone who can read the message."""

    msg_id: MsgID
    message: Annotated[str, Meta(max_length=MAX_EMOJI_CHARS, description="The emoji.")]
    remove: Annotated[bool, Meta(description="Remove your reaction.")] = False


class Typing(Frame, frozen=True, tag="typing"):
    """The user is typing a direct message. Sent only to the recipient, at most once every 2 s; not stored."""

    channel: Annotated[
        Target, Meta(description="`@username` of the recipient; in frames from the server, of the author.")
    ]


class Read(Frame, frozen=True, tag="read", rename={"msg_id": "msgID"}):
    """You have read a channel or conversation up to this message; stored, and sent to your other sessions.

    A message before the stored one changes nothing.
    """

    channel: Target
    msg_id: MsgID
    closed: Annotated[
        bool, Meta(description="Close it: a conversation is not listed in `places` until a later message.")
    ] = False


class SetStatus(Frame, frozen=True, tag="me"):
    """Set your status; the server announces it with `presence`."""

    status: (
        Annotated[str, Meta(max_length=MAX_STATUS_CHARS, description='"online", "away", or a short text.')] | None
    ) = None
    dnd: Annotated[bool | None, Meta(description="Do not disturb: whether direct messages are refused.")] = None


class Mute(Frame, frozen=True, tag="mute"):
    """Mute a user: hide their messages from you. If you have blocked them, that block ends.

    The mute is stored, and the user is not notified.
    """

    username: Name


class Unmute(Frame, frozen=True, tag="unmute"):
    """Unmute a user."""

    username: Name


class Block(Frame, frozen=True, tag="block"):
    """Block a user: from now on neither of you sees, finds or reports what the other writes, or opens their profile.

    If you have muted them, that mute ends. Operators in the room cannot be blocked, unless BlockableAdmins is on. From
    the server: the site has made you and this user block each other.
    """

    username: Name


class Unblock(Frame, frozen=True, tag="unblock"):
    """Unblock a user."""

    username: Name


class Blocklist(Frame, frozen=True, tag="blocklist"):
    """Block all of these users, in addition to those that you have blocked.

    Names of people who have never been here are ignored, unless the site signs its members in. Operators in the room
    are left out, unless BlockableAdmins is on.
    """

    usernames: Annotated[
        tuple[Annotated[str, Meta(max_length=256)], ...],
        Meta(max_length=MAX_BLOCKLIST, description="Their display names."),
    ] = ()


class SearchRequest(Frame, frozen=True, tag="search", rename={"before_id": "beforeID", "utc_offset": "utcOffset"}):
    """Search for messages among those that you may read."""

    query: Annotated[
        str,
        Meta(
            max_length=MAX_QUERY_CHARS,
            description='Words, and "phrases" in quotation marks, that a message must contain; case, width and accents'
            " make no difference. Filters: `from:NAME`, `in:CHANNEL`, `in:@NAME`, `before:DATE`, `after:DATE` (like"
            " 2026-11-29).",
        ),
    ]
    nonce: Nonce
    channel: Annotated[Target, Meta(description="Search only here; empty: everywhere. `in:` takes precedence.")] = ""
    before_id: Annotated[int, Meta(ge=0, le=2**63 - 1, description="Only messages before this one; 0: all.")] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Maximum number of messages.")] = 50
    mentions: Annotated[bool, Meta(description="Only messages of others that mention you; `query` may be empty.")] = (
        False
    )
    utc_offset: Annotated[
        int,
        Meta(ge=-1440, le=1440, description="Minutes by which your clock is ahead of UTC, for the filters by date."),
    ] = 0


class ProfileRequest(Frame, frozen=True, tag="profile"):
    """Request the site's profile of a user."""

    username: Name
    nonce: Nonce


class Ping(Frame, frozen=True, tag="ping"):
    """A liveness check, answered with the same frame."""


class ChannelEntry(msgspec.Struct, frozen=True):
    """A public channel."""

    id: Annotated[str, Meta(description="Its ID, as used in `channel` of other frames.")]
    name: Annotated[str, Meta(description="Its display name.")]


class Webhooks(msgspec.Struct, frozen=True):
    """The webhooks that are enabled; a client hides the actions of disabled ones."""

    report: Annotated[bool, Meta(description="Messages can be reported.")]
    profile: Annotated[bool, Meta(description="Profiles can be requested.")]
    evidence: Annotated[bool, Meta(description="Reports include their context.")] = False


class ReportReason(msgspec.Struct, frozen=True, rename="camel"):
    """A reason for a report, and whether it requires a comment."""

    reason: Annotated[str, Meta(description="To show, and to send as `reason` of `report`.")]
    comment_required: Annotated[bool, Meta(description="A report with this reason needs a `comment`.")]


class Limits(msgspec.Struct, frozen=True, rename="camel"):
    """The server's limits: bytes of a frame, characters (code points) of texts, messages of context."""

    frame_bytes: Annotated[int, Meta(description="Of a frame; 0: no limit.")] = MAX_FRAME_BYTES
    name_chars: Annotated[int, Meta(description="Of a display name.")] = MAX_NAME_CHARS
    message_chars: Annotated[int, Meta(description="Of a message.")] = MAX_MESSAGE_CHARS
    comment_chars: Annotated[int, Meta(description="Of the comment on a report.")] = MAX_COMMENT_CHARS
    context_before: Annotated[int, Meta(description="Before the reported message.")] = MAX_CONTEXT_BEFORE
    context_after: Annotated[int, Meta(description="After the reported message.")] = MAX_CONTEXT_AFTER


class DirectMessages(msgspec.Struct, frozen=True, omit_defaults=True):
    """The retention of direct messages."""

    kept: Annotated[bool, Meta(description="False: they are delivered and then forgotten; there is no history.")] = True
    days: Annotated[
        int,
        Meta(description="Days for which they are kept, but never longer than other messages; 0: as long as those."),
    ] = 0
    disclaimer: Annotated[str, Meta(description="A line to show at the top of each conversation.")] = ""


class Welcome(Frame, frozen=True, tag="welcome"):
    """Describes the room. The first frame of each connection; sent again after a change of its content or your rights.

    VIPs and operators receive it again after `me`, with the VIP channels, if there are any.
    """

    epoch: Annotated[
        str,
        Meta(
            description="ID of the numbering of messages. After a change, a known msgID may belong to another message."
        ),
    ]
    title: Annotated[str, Meta(description="The name of the room.")]
    channels: Annotated[list[ChannelEntry], Meta(description="Those that you may see, in display order.")]
    webhooks: Annotated[Webhooks, Meta(description="Which of them are enabled.")]
    report_reasons: Annotated[list[ReportReason], Meta(description="The reasons to choose from, in display order.")]
    limits: Annotated[Limits, Meta(description="The sizes that the server accepts.")]
    website: Annotated[str, Meta(description="URL of the site that runs the room.")] = ""
    sign_in: Annotated[
        str,
        Meta(
            description='"nickname": with any free name. "token": only with a token of the site. "token-or-nickname":'
            " with a token as a member, or as a guest."
        ),
    ] = "nickname"
    landing_page: Annotated[str, Meta(description="Page of the site where members get a token.")] = ""
    server: Annotated[
        str, Meta(max_length=64, description="A stable ID of the server; survives restarts and restores.")
    ] = ""
    challenge: Annotated[
        Challenge,
        Meta(description="Random, and new for each connection; part of the login proofs. Only in the first one."),
    ] = ""
    direct_messages: Annotated[DirectMessages, Meta(description="How long direct messages are kept.")] = (
        DirectMessages()
    )


class Me(Frame, frozen=True, tag="me"):
    """Confirms the login and the display name, which has a number appended if you cannot have the requested one.

    Sent again when the site changes your rights or profile.
    """

    username: Annotated[str, Meta(description="Your display name.")]
    op: Annotated[bool, Meta(description="Whether you are an operator.")]
    status: Annotated[str, Meta(description="Your status.")] = "online"
    proof: Annotated[Key | None, Meta(description="The server's proof, in answer to `prove`.")] = None


class Relations(Frame, frozen=True, tag="relations"):
    """The users you muted or blocked; sent after login, if there are any, and after each change.

    Your other connections learn of a change that you make at their next login.
    """

    muted: Annotated[list[str], Meta(description="Their display names.")] = []
    blocked: Annotated[list[str], Meta(description="Their display names.")] = []


class WhoEntry(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A user in the room. Usually only the first two fields are present."""

    username: Annotated[str, Meta(description="Their display name.")]
    login_at: Annotated[int, Meta(description="When they logged in, in Unix seconds.")]
    status: Annotated[str, Meta(description='"online", "away", or a short text.')] = "online"
    video: Annotated[int, Meta(description="Always 0: there are no webcams.")] = 0
    op: Annotated[bool, Meta(description="An operator.")] = False
    dnd: Annotated[bool, Meta(description="Direct messages are refused.")] = False
    vip: Annotated[bool, Meta(description="A VIP, according to the site.")] = False
    nickname: Annotated[str, Meta(description="A second name, for display.")] = ""
    avatar: Annotated[str, Meta(description="URL of a picture, or a path on `website`.")] = ""
    profile_url: Annotated[str, Meta(description="URL of the site's page about them, or a path on `website`.")] = (
        msgspec.field(name="profileURL", default="")
    )
    emoji: Annotated[str, Meta(description="An emoji, or words such as a flag and a country.")] = ""
    gender: Annotated[str, Meta(description='"m", "f", "o", or another word of the site.')] = ""


class WholeWhoEntry(WhoEntry, frozen=True, kw_only=True):
    """A WhoEntry that is encoded with all fields that BareRTC always sends."""

    status: str
    video: int
    op: bool
    dnd: bool


class Who(Frame, frozen=True, tag="who"):
    """The people in the room whom you can see. A long list is sent in consecutive frames.

    Sent after login, and when your rights change.
    """

    who_list: Annotated[list[WhoEntry], Meta(description="The people, or some of them.")]
    more: Annotated[bool, Meta(description="The next `who` frame continues the list.")] = False


class Presence(Frame, frozen=True, tag="presence"):
    """A user joined or changed their status (with `who`), or left (without)."""

    username: Annotated[str, Meta(description="Their display name.")]
    message: Annotated[str, Meta(description="To show after the name; empty: only their entry has changed.")]
    who: Annotated[WhoEntry | None, Meta(description="Their new entry.")] = None


class Presences(Frame, frozen=True, tag="presences"):
    """Several `presence` frames in one, in order; sent when many people join or leave at once.

    Not sent to clients of BareRTC, nor to those whose login has nothing but a name.
    """

    changes: Annotated[list[Presence], Meta(description="In order; each counts like a frame of its own.")]


class Reaction(msgspec.Struct, frozen=True):
    """An emoji on a message, and the users who added it."""

    emoji: Annotated[str, Meta(description="The emoji.")]
    usernames: Annotated[list[str], Meta(description="Their display names.")]


class Reactions(msgspec.Struct, frozen=True, rename={"msg_id": "msgID"}):
    """All current reactions to a message."""

    msg_id: MsgID
    reactions: Annotated[list[Reaction], Meta(description="In the order in which they were first added.")]


class Message(Frame, frozen=True, tag="message", rename={"msg_id": "msgID", "taken_back": "takenBack"}):
    """A message. Its author receives it as the acknowledgement."""

    channel: Annotated[str, Meta(description="A channel ID, or `@` and the name of the other person.")]
    username: Annotated[str, Meta(description="The name that its author had then.")]
    message: Annotated[str, Meta(description="The text (Markdown).")]
    msg_id: MsgID
    at: Annotated[datetime, Meta(description="When it was sent.")]
    nonce: Annotated[str | None, Meta(description="The nonce with which its author sent it.")] = None
    taken_back: Annotated[bool, Meta(description="It was deleted; `message` is empty.")] = False
    reactions: Annotated[list[Reaction], Meta(description="In the order in which they were first added.")] = []
    own: Annotated[
        bool | None,
        Meta(
            description="Whether you are its author. Present only if you had another name then, or someone else had"
            " yours. Otherwise you are its author if `username` is your name."
        ),
    ] = None
    edited: Annotated[bool, Meta(description="Its author has replaced the text.")] = False


class Edited(Frame, frozen=True, tag="edit", rename={"msg_id": "msgID"}):
    """The author of a message replaced its text."""

    msg_id: MsgID
    message: Annotated[str, Meta(description="The new text.")]


class Reacted(Frame, frozen=True, tag="react", rename={"msg_id": "msgID"}):
    """A user added a reaction to a message, or removed it."""

    msg_id: MsgID
    username: Annotated[str, Meta(description="The display name of that user.")]
    message: Annotated[str, Meta(description="The emoji.")]
    remove: Annotated[bool, Meta(description="The reaction was removed.")] = False


class NewText(msgspec.Struct, frozen=True, rename={"msg_id": "msgID"}):
    """The current text of an edited message."""

    msg_id: MsgID
    message: Annotated[str, Meta(description="The text.")]


class Echo(Frame, frozen=True, tag="echo"):
    """Messages missed after `since` of the login, or (without it, or after another epoch) recent ones; oldest first."""

    messages: Annotated[
        list[Message],
        Meta(
            description="The missed messages; or the recent ones of each channel, and up to 100 direct messages that"
            " you may not have received."
        ),
    ] = []
    recovered: Annotated[
        bool,
        Meta(description="False: there is a gap between `since` and these messages, or `since` has another epoch."),
    ] = True
    taken_back: Annotated[
        list[MsgID],
        Meta(description="Messages up to `since` that were deleted recently, the latest first; at most 500."),
    ] = []
    reacted: Annotated[
        list[Reactions],
        Meta(description="Reactions to messages up to `since` that changed recently; at most 500, and 32 KiB."),
    ] = []
    edited: Annotated[
        list[NewText],
        Meta(
            description="Messages up to `since` that were edited recently, the latest first; at most 500, and 32 KiB."
        ),
    ] = []


class PlaceEntry(msgspec.Struct, frozen=True, omit_defaults=True, rename={"last_id": "lastID", "read_id": "readID"}):
    """A channel or conversation that has messages, and what you have not read of it."""

    channel: Annotated[str, Meta(description="A channel ID, or `@username` for a conversation.")]
    last_id: Annotated[int, Meta(description="The number of its last message.")]
    read_id: Annotated[int, Meta(description="The number up to which you have read it.")] = 0
    unread: Annotated[
        int, Meta(description=f"Messages of others after that; {MAX_UNREAD} means {MAX_UNREAD} or more.")
    ] = 0
    mentions: Annotated[
        int, Meta(description="How many of the newest unread messages mention you; only in channels.")
    ] = 0


class Places(Frame, frozen=True, tag="places"):
    """The channels and your conversations that have messages; sent after `echo`, in as many frames as necessary."""

    places: Annotated[list[PlaceEntry], Meta(description="Channels and conversations, in no particular order.")]


class SearchResults(Frame, frozen=True, tag="search"):
    """Search results, the latest first."""

    messages: Annotated[list[Message], Meta(description="The messages found.")]
    more: Annotated[bool, Meta(description="There are older results.")]
    nonce: RequestNonce
    searched_to: Annotated[
        int,
        Meta(
            ge=0,
            description="0: all messages were searched. Otherwise only those from this msgID on; continue with it as"
            " `beforeID`.",
        ),
    ] = 0


class History(Frame, frozen=True, tag="history"):
    """A page of the messages of a channel or conversation, oldest first."""

    channel: Annotated[str, Meta(description="The `channel` of the request.")]
    messages: Annotated[list[Message], Meta(description="The page; empty if there are none.")]
    more: Annotated[bool, Meta(description="There are more in the direction of the request.")]
    nonce: RequestNonce


class Addition(msgspec.Struct, frozen=True):
    """Something the reporter added to a report."""

    at: Annotated[datetime, Meta(description="When it was added.")]
    reason: Annotated[str, Meta(description="Its reason.")]
    comment: Annotated[str, Meta(description="Its comment; can be empty.")]


class ReportEntry(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"report_id": "reportID", "msg_id": "msgID", "reported_at": "reportedAt", "next_at": "nextAt"},
):
    """One of your reports: its content and its status."""

    report_id: ReportID
    msg_id: MsgID
    about: Annotated[str, Meta(description="The author of the message.")]
    channel: Annotated[str, Meta(description="The `channel` of the message.")]
    at: Annotated[datetime, Meta(description="When the message was sent.")]
    message: Annotated[str, Meta(description="The beginning of its text; empty if it was deleted before the report.")]
    reason: Annotated[str, Meta(description="Your reason.")]
    comment: Annotated[str, Meta(description="Your comment; can be empty.")]
    reported_at: Annotated[datetime, Meta(description="When you reported it.")]
    status: Annotated[str, Meta(description="One of those below; a client shows an unknown one as it is.")]
    error: Annotated[str, Meta(description="Why it is waiting or was given up, in words for the reporter.")] = ""
    next_at: Annotated[datetime | None, Meta(description="When the delivery is retried.")] = None
    note: Annotated[str, Meta(description="The site's answer to the reporter.")] = ""
    additions: Annotated[list[Addition], Meta(description="The last three additions to it, the latest last.")] = []


class ReportStatus(Frame, frozen=True, tag="report"):
    """One of your reports: the answer to `report` or `withdraw`, or (without a nonce) a change of its status."""

    report: Annotated[ReportEntry, Meta(description="The report as it is now.")]
    nonce: RequestNonce | None = None


class Reports(Frame, frozen=True, tag="reports"):
    """Your reports, the latest first; also sent after login, if there are any."""

    reports: Annotated[
        list[ReportEntry],
        Meta(description="Each as it is now; at most 100, and 48 KiB. Those in `changed` take precedence."),
    ]
    changed: Annotated[list[ReportID], Meta(description="Reports that changed while you were away.")] = []
    nonce: RequestNonce | None = None


class ProfileField(msgspec.Struct, frozen=True):
    """A line of a profile, as the site wrote it."""

    name: Annotated[str, Meta(description="What the line is about, such as Age; can be empty.")]
    value: Annotated[str, Meta(description="What it says; can be empty, but not together with `name`.")]


class Profile(Frame, frozen=True, tag="profile"):
    """The site's profile of a user; if there is none, `error` says why."""

    username: Annotated[str, Meta(description="The `username` of the request.")]
    profile_fields: Annotated[list[ProfileField], Meta(description="The lines of the profile, in display order.")]
    nonce: RequestNonce
    headline: Annotated[str, Meta(description="A line that the site wrote above the fields.")] = ""
    error: Annotated[str, Meta(description="Why there is no profile, in words for the user.")] = ""


class TokenRules(msgspec.Struct, frozen=True):
    """The restrictions in a token, under BareRTC's names. Flagpost has neither webcams nor pictures."""

    no_broadcast: Annotated[bool, Meta(description="Must not broadcast a webcam.")] = msgspec.field(
        name="IsNoBroadcastRule", default=False
    )
    no_dark_video: Annotated[bool, Meta(description="Exempt from BareRTC's rule against dark video.")] = msgspec.field(
        name="IsNoDarkVideoRule", default=False
    )
    no_image: Annotated[bool, Meta(description="Must neither share nor see pictures.")] = msgspec.field(
        name="IsNoImageRule", default=False
    )
    no_video: Annotated[bool, Meta(description="Must neither broadcast nor watch webcams.")] = msgspec.field(
        name="IsNoVideoRule", default=False
    )
    red_cam: Annotated[bool, Meta(description="Their webcam always counts as explicit.")] = msgspec.field(
        name="IsRedCamRule", default=False
    )


class Pong(Frame, frozen=True, tag="ping", rename={"rules": "jwtRules"}):
    """The answer to a ping. Also sent to a member every 30 s, and after a change of their claims, with a new token."""

    jwt: Annotated[str, Meta(description="A new token like that of the login.")] = ""
    rules: Annotated[TokenRules | None, Meta(description="The restrictions in the token, if there are any.")] = None

    def __repr__(self) -> str:
        # Crash reports print arguments, so keep the token out of the repr.
        return "Pong"


class Error(Frame, frozen=True, tag="error"):
    """An error, or a notice from ChatServer."""

    message: Annotated[str, Meta(description="In words for the user.")]
    code: Annotated[str, Meta(description="One of the [error codes](#error-codes).")]
    username: Annotated[str, Meta(description="Always ChatServer.")]
    nonce: Annotated[str | None, Meta(description="The nonce of the frame that it answers.")] = None
    channel: Annotated[str, Meta(description="The channel in which to show a notice; empty: anywhere.")] = ""


class Disconnect(Frame, frozen=True, tag="disconnect"):
    """The server is about to close the connection."""

    why: Annotated[str, Meta(description="In words for the user.")]
    code: Annotated[int, Meta(description="The [close code](#close-codes) that follows.")]
    reconnect: Annotated[bool, Meta(description="Whether to reconnect.")]


ClientFrame = (
    Login | Say | HistoryRequest | SearchRequest | ReportRequest | ReportsRequest | Withdraw | Takeback | Edit | React
    | Typing | Read | SetStatus | Mute | Unmute | Block | Unblock | Blocklist | ProfileRequest | Ping
)  # fmt: skip
ServerFrame = (
    Welcome | Me | Who | Presence | Presences | Relations | Message | Takeback | Reacted | Edited | Typing | Echo
    | Places | Read | Block | History | SearchResults | ReportStatus | Reports | Profile | Error | Pong | Disconnect
)  # fmt: skip
