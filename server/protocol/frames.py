"""One type per action of the wire, for each direction."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

CHAT_SERVER = "ChatServer"
"""The author of the server's own lines; nobody can log in by this name."""

MAX_FRAME_BYTES = 64 * 1024
MAX_NAME_CHARS = 32
MAX_MESSAGE_CHARS = 4000
MAX_COMMENT_CHARS = 1000
MAX_PAGE = 100
MAX_QUERY_CHARS = 128
MAX_STATUS_CHARS = 32
MAX_EMOJI_CHARS = 32
MAX_CONTEXT_BEFORE = 10
MAX_CONTEXT_AFTER = 5

Nonce = Annotated[str, Meta(min_length=1, max_length=64, description="The client's own number of what it asked for.")]
MsgID = Annotated[int, Meta(ge=1, le=2**63 - 1, description="Grows within a channel.")]
ReportID = Annotated[str, Meta(min_length=1, max_length=64, description="Names a report for good.")]
Target = Annotated[str, Meta(max_length=128, description="A channel's ID, or `@username` in a direct message.")]
Token = Annotated[
    str,
    Meta(
        min_length=16,
        max_length=128,
        description="Old clients only: a secret that names the person. Whoever hears it is that person; use `prove`.",
    ),
]
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Challenge = Annotated[str, Meta(max_length=64)]


class Frame(msgspec.Struct, frozen=True, tag_field="action", omit_defaults=True, rename="camel"):
    """What every frame has: its action. Fields that a type does not know are ignored."""


class Since(msgspec.Struct, frozen=True, rename={"msg_id": "msgID"}):
    """The last message a client has seen, in the life of the numbering that it belongs to."""

    epoch: Annotated[str, Meta(max_length=64)]
    msg_id: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Enrol(msgspec.Struct, frozen=True, rename="camel"):
    """The keys of a new person, which the server keeps to recognise them; neither logs in by itself."""

    stored_key: Key
    server_key: Key

    def __repr__(self) -> str:
        # Crash reports print arguments.
        return "Enrol"


class Prove(msgspec.Struct, frozen=True, rename="camel"):
    """Proof that the client has the secret of a person who enrolled before; good for this connection alone."""

    identity: Annotated[str, Meta(max_length=64)]
    client_nonce: Annotated[str, Meta(min_length=16, max_length=64, description="Random, a fresh one for each login.")]
    proof: Key

    def __repr__(self) -> str:
        # Crash reports print arguments.
        return "Prove"


class Login(Frame, frozen=True, tag="login"):
    """Enter the room by a name, with at most one of `enrol`, `prove` and `token`; with none, as a new person."""

    username: Annotated[str, Meta(max_length=256)]
    token: Token | None = None
    since: Since | None = None
    enrol: Annotated[Enrol | None, Meta(description="Be a new person; wait for `me` before you send more.")] = None
    prove: Annotated[
        Prove | None, Meta(description="Be the person of a former login; wait for `me`, and check it.")
    ] = None

    def __repr__(self) -> str:
        # What a crash shows has no token in it.
        return f"Login({self.username!r})"


class Say(Frame, frozen=True, tag="message"):
    """Send Markdown text to a channel or a person."""

    channel: Target
    message: str
    nonce: Nonce | None = None


class HistoryAsk(Frame, frozen=True, tag="history", rename={"before_id": "beforeID"}):
    """Ask for the messages of a channel before one of them; 0: the newest."""

    channel: Target
    nonce: Nonce
    before_id: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50


class ReportAsk(Frame, frozen=True, tag="report", rename={"msg_id": "msgID"}):
    """Report a message; what it says is taken from the server's record, never from here."""

    msg_id: MsgID
    reason: Annotated[str, Meta(max_length=256)]
    comment: str = ""
    nonce: Nonce | None = None
    context: Annotated[
        tuple[MsgID, ...],
        Meta(
            max_length=MAX_CONTEXT_BEFORE + MAX_CONTEXT_AFTER,
            description="What the site shall see too, of the 10 messages before and 5 after it that one is shown.",
        ),
    ] = ()
    add: Annotated[bool, Meta(description="Add to the report of this message that one has sent before.")] = False


class ReportsAsk(Frame, frozen=True, tag="reports"):
    """Ask for one's own reports."""

    nonce: Nonce


class Withdraw(Frame, frozen=True, tag="withdraw", rename={"report_id": "reportID"}):
    """Take a report of one's own back."""

    report_id: ReportID
    nonce: Nonce | None = None


class Takeback(Frame, frozen=True, tag="takeback", rename={"msg_id": "msgID"}):
    """Take a message of one's own back; the server says it to everyone who could read it."""

    msg_id: MsgID


class React(Frame, frozen=True, tag="react", rename={"msg_id": "msgID"}):
    """Put an emoji under a message, or take one's own away; the server says it to everyone who can read the message."""

    msg_id: MsgID
    message: Annotated[str, Meta(max_length=MAX_EMOJI_CHARS, description="The emoji.")]
    remove: bool = False


class Typing(Frame, frozen=True, tag="typing"):
    """One is writing to a person; said to that person alone, and kept nowhere."""

    channel: Annotated[Target, Meta(description="`@username`; seen from the reader's side.")]


class Status(Frame, frozen=True, tag="me"):
    """How one is; said to everyone by a presence."""

    status: (
        Annotated[str, Meta(max_length=MAX_STATUS_CHARS, description='"online", "away", or a few words.')] | None
    ) = None
    dnd: Annotated[bool | None, Meta(description="Whether direct messages are refused.")] = None


class Mute(Frame, frozen=True, tag="mute"):
    """Read a person no more; remembered, and nobody is told."""

    username: Annotated[str, Meta(max_length=256)]


class Unmute(Frame, frozen=True, tag="unmute"):
    """Read a person again."""

    username: Annotated[str, Meta(max_length=256)]


class Block(Frame, frozen=True, tag="block"):
    """Neither sees the other: in who, presence, messages, reactions, search and profile; nor reports what follows."""

    username: Annotated[str, Meta(max_length=256)]


class Unblock(Frame, frozen=True, tag="unblock"):
    """Take a block back."""

    username: Annotated[str, Meta(max_length=256)]


class SearchAsk(Frame, frozen=True, tag="search", rename={"before_id": "beforeID"}):
    """Find messages that hold every word, among those one may read."""

    query: Annotated[str, Meta(max_length=MAX_QUERY_CHARS)]
    nonce: Nonce
    channel: Annotated[Target, Meta(description="Only here; empty: everywhere.")] = ""
    before_id: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50


class ProfileAsk(Frame, frozen=True, tag="profile"):
    """Ask what the site says about a person."""

    username: Annotated[str, Meta(max_length=256)]
    nonce: Nonce


class Ping(Frame, frozen=True, tag="ping"):
    """Are you there; answered by the same."""


class ChannelEntry(msgspec.Struct, frozen=True):
    """A public channel."""

    id: str
    name: str


class Webhooks(msgspec.Struct, frozen=True):
    """Which of the site's webhooks are on; the client shows no key for one that is off."""

    report: bool
    profile: bool
    evidence: Annotated[bool, Meta(description="The site is sent the messages around a reported one too.")] = False


class ReportReason(msgspec.Struct, frozen=True, rename="camel"):
    """A reason that a report can have, and whether it says too little without a comment."""

    reason: str
    comment_required: bool


class Limits(msgspec.Struct, frozen=True, rename="camel"):
    """What the server takes: bytes of a frame, characters (code points) of texts, messages around a reported one."""

    frame_bytes: Annotated[int, Meta(description="0: any number.")] = MAX_FRAME_BYTES
    name_chars: int = MAX_NAME_CHARS
    message_chars: int = MAX_MESSAGE_CHARS
    comment_chars: int = MAX_COMMENT_CHARS
    context_before: int = MAX_CONTEXT_BEFORE
    context_after: int = MAX_CONTEXT_AFTER


class Welcome(Frame, frozen=True, tag="welcome"):
    """First frame on every connection, and again when the settings change: what a client needs to draw itself."""

    epoch: str
    title: str
    channels: list[ChannelEntry]
    webhooks: Webhooks
    report_reasons: list[ReportReason]
    limits: Limits
    website: Annotated[str, Meta(description="The address of the site that the room belongs to.")] = ""
    sign_in: Annotated[str, Meta(description='How to sign in; "nickname" so far.')] = "nickname"
    server: Annotated[
        str, Meta(max_length=64, description="Names the server for good, across restarts and restores.")
    ] = ""
    challenge: Annotated[
        Challenge, Meta(description="For the proofs of a login; random, another on each connection.")
    ] = ""


class Me(Frame, frozen=True, tag="me"):
    """The login was taken, by this name."""

    username: str
    op: bool
    status: str = "online"
    proof: Annotated[Key | None, Meta(description="The server's own proof, in answer to `prove`.")] = None


class Relations(Frame, frozen=True, tag="relations"):
    """Whom one does not read; sent after a login, if there are any, and after each change."""

    muted: list[str] = []
    blocked: list[str] = []


class WhoEntry(msgspec.Struct, frozen=True, rename="camel"):
    """A person in the room; `loginAt` in Unix seconds, `video` always 0 here."""

    username: str
    login_at: int
    status: str = "online"
    video: int = 0
    op: bool = False
    dnd: Annotated[bool, Meta(description="Direct messages are refused.")] = False


class Who(Frame, frozen=True, tag="who"):
    """Everyone in the room; sent once, after the login."""

    who_list: list[WhoEntry]


class Presence(Frame, frozen=True, tag="presence"):
    """One person came or has another status, with their entry, or left, without."""

    username: str
    message: str
    who: WhoEntry | None = None


class Reaction(msgspec.Struct, frozen=True):
    """An emoji under a message, and who put it there."""

    emoji: str
    usernames: list[str]


class Reactions(msgspec.Struct, frozen=True, rename={"msg_id": "msgID"}):
    """All that stands under a message now."""

    msg_id: MsgID
    reactions: list[Reaction]


class Message(Frame, frozen=True, tag="message", rename={"msg_id": "msgID", "taken_back": "takenBack"}):
    """A stored message; `at` is RFC 3339 UTC, `nonce` the author's. One that was taken back has no text."""

    channel: str
    username: str
    message: str
    msg_id: MsgID
    at: datetime
    nonce: str | None = None
    taken_back: bool = False
    reactions: list[Reaction] = []


class Reacted(Frame, frozen=True, tag="react", rename={"msg_id": "msgID"}):
    """A person put an emoji under a message, or took it away."""

    msg_id: MsgID
    username: str
    message: Annotated[str, Meta(description="The emoji.")]
    remove: bool = False


class Echo(Frame, frozen=True, tag="echo"):
    """Messages missed since the login's `since`, or the recent ones, oldest first."""

    messages: list[Message] = []
    recovered: Annotated[bool, Meta(description="False: some are missing between `since` and these.")] = True
    taken_back: Annotated[
        list[MsgID], Meta(description="Messages up to `since` that were taken back lately, the latest first.")
    ] = []
    reacted: Annotated[
        list[Reactions], Meta(description="What stands under messages up to `since` where that changed lately.")
    ] = []


class Found(Frame, frozen=True, tag="search"):
    """Messages that were searched for, the latest first, and whether there are older ones."""

    messages: list[Message]
    more: bool
    nonce: str


class History(Frame, frozen=True, tag="history"):
    """A page of a channel's messages, oldest first, and whether there are older ones."""

    channel: str
    messages: list[Message]
    more: bool
    nonce: str


class Addition(msgspec.Struct, frozen=True):
    """What one added to a report of one's own."""

    at: Annotated[datetime, Meta(description="When it was added.")]
    reason: str
    comment: str


class ReportEntry(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"report_id": "reportID", "msg_id": "msgID", "reported_at": "reportedAt", "next_at": "nextAt"},
):
    """A report of one's own, as it was sent, and where it stands; times are RFC 3339 UTC."""

    report_id: ReportID
    msg_id: MsgID
    about: Annotated[str, Meta(description="The author of the message.")]
    channel: str
    at: Annotated[datetime, Meta(description="When the message was sent.")]
    message: Annotated[str, Meta(description="As much of it as a list needs; none if it was taken back before.")]
    reason: str
    comment: str
    reported_at: datetime
    status: Annotated[str, Meta(description="One of those below; a client takes one it does not know as it is.")]
    error: Annotated[str, Meta(description="Why it waits or was given up, in words for the reporter.")] = ""
    next_at: Annotated[datetime | None, Meta(description="When it is tried again.")] = None
    note: Annotated[str, Meta(description="What the site says about it.")] = ""
    additions: Annotated[
        list[Addition], Meta(description="What one added to it since, the latest last; of many the last three.")
    ] = []


class ReportStatus(Frame, frozen=True, tag="report"):
    """Where a report of one's own stands: the answer to what was asked, or a change (without a nonce)."""

    report: ReportEntry
    nonce: str | None = None


class Reports(Frame, frozen=True, tag="reports"):
    """One's own reports, the latest first; also sent after a login, if there are any."""

    reports: list[ReportEntry]
    changed: Annotated[list[ReportID], Meta(description="Those that changed while one was away.")] = []
    nonce: str | None = None


class ProfileField(msgspec.Struct, frozen=True):
    """A line of a profile, as the site words it."""

    name: str
    value: str


class Profile(Frame, frozen=True, tag="profile"):
    """What the site says about a person, or `error`: why it says nothing."""

    username: str
    profile_fields: list[ProfileField]
    nonce: str
    headline: str = ""
    error: str = ""


class Error(Frame, frozen=True, tag="error"):
    """What went wrong, in words and as a code; a notice of ChatServer has a channel instead of a nonce."""

    message: str
    code: str
    username: Annotated[str, Meta(description="Always ChatServer.")]
    nonce: str | None = None
    channel: str = ""


class Disconnect(Frame, frozen=True, tag="disconnect"):
    """The connection is about to be closed by the server."""

    why: str
    code: int
    reconnect: bool


ClientFrame = (
    Login | Say | HistoryAsk | SearchAsk | ReportAsk | ReportsAsk | Withdraw | Takeback | React | Typing | Status
    | Mute | Unmute | Block | Unblock | ProfileAsk | Ping
)  # fmt: skip
ServerFrame = (
    Welcome | Me | Who | Presence | Relations | Message | Takeback | Reacted | Typing | Echo | History | Found
    | ReportStatus | Reports | Profile | Error | Ping | Disconnect
)  # fmt: skip
