"""Bodies and answers of the API calls. Their keys are BareRTC's; bodies may use upper or lower case."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from server.rules.tokens import Claims

ApiKey = Annotated[str, Meta(description="AdminAPIKey of the settings.")]
JwtToken = Annotated[str, Meta(description="A valid token of a member.")]


class Call(msgspec.Struct, frozen=True, rename="pascal"):
    """Base of all bodies. A missing or null field has its default; unknown fields are ignored."""


class KeyCall(Call, frozen=True, rename="pascal"):
    """A call by the site."""

    api_key: ApiKey = field(name="APIKey", default="")


class TokenCall(Call, frozen=True, rename="pascal"):
    """A call on behalf of a member."""

    jwt_token: JwtToken = field(name="JWTToken", default="")


class Authenticate(KeyCall, frozen=True, rename="pascal"):
    """The claims of a new token."""

    claims: Claims = Claims()


class AmendToken(KeyCall, frozen=True, rename="pascal"):
    """A member in the room, and a token with their new claims."""

    username: str = ""
    jwt_token: JwtToken = field(name="JWTToken", default="")


class SiteBlocklist(KeyCall, frozen=True, rename="pascal"):
    """A member, and everyone they have blocked on the site."""

    username: str = ""
    blocklist: list[str] = []


class BlockNow(KeyCall, frozen=True, rename="pascal"):
    """People who block each other from now on."""

    usernames: Annotated[list[str], Meta(max_length=50)] = []


class DisconnectNow(KeyCall, frozen=True, rename="pascal"):
    """People to disconnect, a message for them, and whether everyone sees that they were kicked."""

    usernames: list[str] = []
    message: str = ""
    kick: bool = False


class ClearMessages(KeyCall, frozen=True, rename="pascal"):
    """The person whose direct messages are deleted: by the site with its key, or by a member with their token."""

    username: str = ""
    jwt_token: JwtToken = field(name="JWTToken", default="")


class MessageHistory(TokenCall, frozen=True, rename="pascal"):
    """A request for a page of a conversation: the messages before BeforeID, or the newest if it is 0."""

    username: str = ""
    before_id: Annotated[int, Meta(ge=0, le=2**63 - 1)] = field(name="BeforeID", default=0)


class MessageUsernames(TokenCall, frozen=True, rename="pascal"):
    """A request for a page of the people that a member has conversations with."""

    sort: Annotated[str, Meta(description='"newest", "oldest", "a-z" or "z-a".')] = ""
    page: Annotated[int, Meta(ge=0, le=10_000)] = 1


class ProfileOf(TokenCall, frozen=True, rename="pascal"):
    """The person whose profile is requested."""

    username: str = ""


class ReportStatusCall(KeyCall, frozen=True, rename="pascal"):
    """The status that the site sets on a report. Any Content-Type is accepted."""

    report_id: str = field(name="ReportID", default="")
    status: Annotated[str, Meta(description='"seen" or "resolved".')] = ""
    note: Annotated[str, Meta(description="Shown to the reporter.")] = ""


class ReportsCall(KeyCall, frozen=True, rename="pascal"):
    """A request for a page of reports, latest first, or for one report with its evidence."""

    report_id: Annotated[str, Meta(max_length=64, description="Only this report, with its evidence.")] = field(
        name="ReportID", default=""
    )
    before: Annotated[str, Meta(max_length=64, description="Only reports before this ReportID.")] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Base of all answers."""

    ok: bool = field(name="OK", default=True)
    error: str | UnsetType = UNSET


class TokenAnswer(Answer, frozen=True, kw_only=True, rename="pascal"):
    """A signed token, valid for 5 minutes."""

    jwt: str | UnsetType = field(name="JWT", default=UNSET)


class Removed(Answer, frozen=True, kw_only=True, rename="pascal"):
    """The number of people who were disconnected."""

    removed: int = 0


class ErasedMessages(Answer, frozen=True, kw_only=True, rename="pascal"):
    """The number of messages that were deleted."""

    messages_erased: int = 0


class DirectMessage(msgspec.Struct, frozen=True):
    """A message of a conversation, as HTML."""

    username: str
    message: str
    msg_id: int = field(name="msgID")
    timestamp: datetime


class ConversationPage(Answer, frozen=True, kw_only=True, rename="pascal"):
    """A page of a conversation, newest message first, and the number of earlier messages."""

    messages: list[DirectMessage] | None = None
    remaining: int = 0


class Usernames(Answer, frozen=True, kw_only=True, rename="pascal"):
    """A page of names, and the total numbers of names and pages."""

    usernames: list[str] | None = None
    count: int = 0
    pages: int = 0


class ProfileLine(msgspec.Struct, frozen=True, rename="pascal"):
    """A line of a profile, as the site wrote it."""

    name: str
    value: str


class MemberProfile(Answer, frozen=True, kw_only=True, rename="pascal"):
    """A person's profile from the site."""

    headline: str | UnsetType = UNSET
    profile_fields: list[ProfileLine] | UnsetType = UNSET


class Cameras(msgspec.Struct, frozen=True, rename="pascal"):
    """The numbers of active cameras: always 0, because Flagpost has none."""

    blue: int = 0
    red: int = 0


class Statistics(msgspec.Struct, frozen=True, rename="pascal"):
    """The number of people in the room. Names are only for requests with the key or from the server's machine."""

    user_count: int
    usernames: list[str]
    cameras: Cameras = Cameras()


class ReportLine(msgspec.Struct, frozen=True, rename="pascal"):
    """A report and its status."""

    report_id: str = field(name="ReportID")
    status: str
    reported_at: datetime
    from_username: str
    about_username: str
    channel: str
    message_id: int = field(name="MessageID")
    reason: str
    comment: str
    error: Annotated[str, Meta(description="Why the delivery is waiting, or was given up.")]
    note: Annotated[str, Meta(description="The site's note to the reporter.")]


class TrailLine(msgspec.Struct, frozen=True, rename="pascal"):
    """An entry of the history of a report."""

    at: datetime
    event: Annotated[str, Meta(description='"reported", "added", "site-said", "withdrawn" or "erased".')]
    reason: str = ""
    comment: str = ""
    status: str = ""
    note: str = ""


class AttestedContext(msgspec.Struct, frozen=True, rename="pascal"):
    """A surrounding message that the reporter selected as context."""

    username: str
    timestamp: datetime
    message: str


class EarlierMessage(msgspec.Struct, frozen=True, rename="pascal"):
    """A text that the message had before an edit, and the time when it was written."""

    since: datetime
    message: str


class ReportEvidence(msgspec.Struct, frozen=True, rename="pascal"):
    """What the server attests about a report."""

    message: str
    timestamp: Annotated[datetime, Meta(description="When the message was sent.")]
    earlier_texts: list[EarlierMessage]
    context: list[AttestedContext]
    about_holds_name: Annotated[
        bool, Meta(description="Whether the author still had this name when the message was reported.")
    ]
    trail: list[TrailLine]


class ReportPage(Answer, frozen=True, kw_only=True, rename="pascal"):
    """A page of reports, and whether there are earlier ones."""

    reports: list[ReportLine] | None = None
    more: bool = False
    evidence: ReportEvidence | UnsetType = UNSET
