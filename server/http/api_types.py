"""Bodies and answers of the API calls. Their keys are BareRTC's; the case of keys in bodies does not matter."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from server.rules.tokens import Claims

ApiKey = Annotated[str, Meta(description="AdminAPIKey of the settings.")]
JwtToken = Annotated[str, Meta(description="A valid token of a member.")]


class Call(msgspec.Struct, frozen=True, rename="pascal"):
    """Base of all bodies. A missing or null field has its default value; unknown fields are ignored."""


class KeyCall(Call, frozen=True, rename="pascal"):
    """The site's key, which every call by the site contains."""

    api_key: ApiKey = field(name="APIKey", default="")


class TokenCall(Call, frozen=True, rename="pascal"):
    """A call on behalf of a member."""

    jwt_token: JwtToken = field(name="JWTToken", default="")


class Authenticate(KeyCall, frozen=True, rename="pascal"):
    """A request to sign a token."""

    claims: Annotated[Claims, Meta(description="The claims of the new token.")] = Claims()


class AmendToken(KeyCall, frozen=True, rename="pascal"):
    """A member in the room, and a token with their new claims."""

    username: Annotated[str, Meta(description="The name of someone in the room.")] = ""
    jwt_token: Annotated[str, Meta(description="A valid token of this member, with the new claims.")] = field(
        name="JWTToken", default=""
    )


class SiteBlocklist(KeyCall, frozen=True, rename="pascal"):
    """A member, and everyone they have blocked on the site."""

    username: Annotated[str, Meta(description="The member's name.")] = ""
    blocklist: Annotated[
        list[str],
        Meta(
            description="Names; they replace the earlier list. Operators in the room are left out, unless"
            " BlockableAdmins is on."
        ),
    ] = []


class BlockNow(KeyCall, frozen=True, rename="pascal"):
    """People who block each other from now on, also operators."""

    usernames: Annotated[list[str], Meta(max_length=50, description="Their names.")] = []


class DisconnectNow(KeyCall, frozen=True, rename="pascal"):
    """People to disconnect."""

    usernames: Annotated[list[str], Meta(description="Their names.")] = []
    message: Annotated[str, Meta(description="Shown to them as a message of ChatServer.")] = ""
    kick: Annotated[bool, Meta(description="Everyone sees that they were kicked; otherwise, that they left.")] = False


class ClearMessages(KeyCall, frozen=True, rename="pascal"):
    """The person whose direct messages are deleted: by the site with its key, or by a member with their token."""

    username: Annotated[str, Meta(description="The person's name; ignored without `APIKey`.")] = ""
    jwt_token: Annotated[str, Meta(description="A valid token of a member; ignored with `APIKey`.")] = field(
        name="JWTToken", default=""
    )


class MessageHistory(TokenCall, frozen=True, rename="pascal"):
    """A request for a page of a conversation."""

    username: Annotated[str, Meta(description="The other person's name.")] = ""
    before_id: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="Only messages before this msgID; 0: the newest.")
    ] = field(name="BeforeID", default=0)


class MessageUsernames(TokenCall, frozen=True, rename="pascal"):
    """A request for a page of the people that a member has conversations with."""

    sort: Annotated[str, Meta(description='"newest", "oldest", "a-z" or "z-a"; empty: "newest".')] = ""
    page: Annotated[int, Meta(ge=0, le=10_000, description="The first page is 1.")] = 1


class ProfileOf(TokenCall, frozen=True, rename="pascal"):
    """A request for a profile."""

    username: Annotated[str, Meta(description="The name of the person whose profile it is.")] = ""


class ReportStatusCall(KeyCall, frozen=True, rename="pascal"):
    """The status that the site sets on a report."""

    report_id: Annotated[str, Meta(description="ID of the report, or the `webhook-id` of a request.")] = field(
        name="ReportID", default=""
    )
    status: Annotated[str, Meta(description='"seen" or "resolved".')] = ""
    note: Annotated[str, Meta(description="Shown to the reporter; at most 1,000 characters.")] = ""


class ReportsCall(KeyCall, frozen=True, rename="pascal"):
    """A request for a page of reports, latest first, or for one report with its evidence."""

    report_id: Annotated[str, Meta(max_length=64, description="Only this report, with its evidence.")] = field(
        name="ReportID", default=""
    )
    before: Annotated[str, Meta(max_length=64, description="Only reports before this ReportID.")] = ""
    limit: Annotated[int, Meta(ge=1, le=100, description="Maximum number of reports.")] = 20


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Base of all answers."""

    ok: bool = field(name="OK", default=True)
    error: str | UnsetType = UNSET


class TokenAnswer(Answer, frozen=True, kw_only=True, rename="pascal"):
    """A signed token, valid for 5 minutes."""

    jwt: Annotated[str | UnsetType, Meta(description="The token.")] = field(name="JWT", default=UNSET)


class Removed(Answer, frozen=True, kw_only=True, rename="pascal"):
    """The number of people who were disconnected."""

    removed: Annotated[int, Meta(description="Their number.")] = 0


class ErasedMessages(Answer, frozen=True, kw_only=True, rename="pascal"):
    """The number of messages that were deleted."""

    messages_erased: Annotated[int, Meta(description="Their number.")] = 0


class DirectMessage(msgspec.Struct, frozen=True):
    """A message of a conversation."""

    username: Annotated[str, Meta(description="The author's name.")]
    message: Annotated[str, Meta(description="HTML.")]
    msg_id: Annotated[int, Meta(description="Its number in the whole room.")] = field(name="msgID")
    timestamp: Annotated[datetime, Meta(description="When it was sent.")]


class ConversationPage(Answer, frozen=True, kw_only=True, rename="pascal"):
    """A page of at most 20 messages of a conversation, without those deleted or hidden by a mute or block."""

    messages: Annotated[list[DirectMessage] | None, Meta(description="The newest first.")] = None
    remaining: Annotated[int, Meta(description="The number of earlier messages, counted up to 10,000.")] = 0


class Usernames(Answer, frozen=True, kw_only=True, rename="pascal"):
    """At most 9 names, from the latest 200 conversations, without those closed or hidden by a mute or block."""

    usernames: Annotated[list[str] | None, Meta(description="Their names.")] = None
    count: Annotated[int, Meta(description="The number of names on all pages.")] = 0
    pages: Annotated[int, Meta(description="The total number of pages.")] = 0


class ProfileLine(msgspec.Struct, frozen=True, rename="pascal"):
    """A line of a profile, as the site wrote it."""

    name: Annotated[str, Meta(description='What it is about, such as "Member since".')]
    value: Annotated[str, Meta(description="Its text.")]


class MemberProfile(Answer, frozen=True, kw_only=True, rename="pascal"):
    """A person's profile from the site."""

    headline: Annotated[str | UnsetType, Meta(description="A line that the site wrote above the fields.")] = UNSET
    profile_fields: Annotated[list[ProfileLine] | UnsetType, Meta(description="In the site's order.")] = UNSET


class Cameras(msgspec.Struct, frozen=True, rename="pascal"):
    """The numbers of active webcams: always 0, because Flagpost has none."""

    blue: Annotated[int, Meta(description="Always 0.")] = 0
    red: Annotated[int, Meta(description="Always 0.")] = 0


class Statistics(msgspec.Struct, frozen=True, rename="pascal"):
    """The people in the room, without hidden operators."""

    user_count: Annotated[int, Meta(description="How many there are.")]
    usernames: Annotated[
        list[str],
        Meta(description="Their names; only with the key, from the server's machine, or at the address of [Metrics]."),
    ]
    cameras: Annotated[Cameras, Meta(description="For sites that read them from BareRTC.")] = Cameras()


class ReportLine(msgspec.Struct, frozen=True, rename="pascal"):
    """A report and its status."""

    report_id: Annotated[str, Meta(description="Its ID.")] = field(name="ReportID")
    status: Annotated[str, Meta(description="As in [the protocol](protocol.md#status-of-a-report).")]
    reported_at: Annotated[datetime, Meta(description="When the server stored it.")]
    from_username: Annotated[str, Meta(description="The reporter's name; the author's if the server reported it.")]
    about_username: Annotated[str, Meta(description="The name of the message's author.")]
    channel: Annotated[str, Meta(description="A channel ID, or `@` and the other person's name for a direct message.")]
    message_id: Annotated[int, Meta(description="The msgID of the message.")] = field(name="MessageID")
    reason: Annotated[str, Meta(description="Why the message was reported.")]
    comment: Annotated[str, Meta(description="The reporter's comment; can be empty.")]
    error: Annotated[str, Meta(description="Why the delivery is waiting, or was given up.")]
    note: Annotated[str, Meta(description="The site's note to the reporter.")]


class TrailLine(msgspec.Struct, frozen=True, rename="pascal"):
    """An entry of the history of a report."""

    at: Annotated[datetime, Meta(description="When it happened.")]
    event: Annotated[str, Meta(description='"reported", "added", "site-said" or "withdrawn".')]
    reason: Annotated[str, Meta(description='With "reported" and "added".')] = ""
    comment: Annotated[str, Meta(description='With "reported" and "added".')] = ""
    status: Annotated[str, Meta(description='With "site-said".')] = ""
    note: Annotated[str, Meta(description='With "site-said".')] = ""


class AttestedContext(msgspec.Struct, frozen=True, rename="pascal"):
    """A surrounding message that the reporter selected as context."""

    username: Annotated[str, Meta(description="The author's name.")]
    timestamp: Annotated[datetime, Meta(description="When it was sent.")]
    message: Annotated[str, Meta(description="Its text (Markdown).")]


class EarlierMessage(msgspec.Struct, frozen=True, rename="pascal"):
    """A text that the message had before an edit."""

    since: Annotated[datetime, Meta(description="When it was written.")]
    message: Annotated[str, Meta(description="The text (Markdown).")]


class ReportEvidence(msgspec.Struct, frozen=True, rename="pascal"):
    """The evidence of a report that the server attests."""

    message: Annotated[str, Meta(description="The text when it was reported (Markdown).")]
    timestamp: Annotated[datetime, Meta(description="When the message was sent.")]
    earlier_texts: Annotated[list[EarlierMessage], Meta(description="The oldest first.")]
    context: Annotated[list[AttestedContext], Meta(description="What the reporter selected, also in additions.")]
    about_holds_name: Annotated[
        bool, Meta(description="Whether the author still had this name when the message was reported.")
    ]
    trail: Annotated[
        list[TrailLine], Meta(description="The history of the report: the first 500 entries, oldest first.")
    ]


class ReportPage(Answer, frozen=True, kw_only=True, rename="pascal"):
    """A page of reports, or one report with its evidence."""

    reports: Annotated[list[ReportLine] | None, Meta(description="The latest first.")] = None
    more: Annotated[bool, Meta(description="There are earlier ones.")] = False
    evidence: Annotated[ReportEvidence | UnsetType, Meta(description="If the request has a ReportID.")] = UNSET
