"""The tables taken over from BareRTC: sign-in with tokens, VIPs, filters, direct messages and message logs."""

from typing import Annotated

import msgspec
from msgspec import Meta

from server.protocol.frames import MAX_MESSAGE_CHARS
from server.settings.secret import Secret

MAX_URL_CHARS = 512
"""Maximum length of a URL that clients show in full."""


class JWT(msgspec.Struct, frozen=True, rename="pascal"):
    """Sign-in with a token that the site signs (JWT, HS256)."""

    enabled: Annotated[bool, Meta(description="Whether tokens of the site are accepted.")] = False
    strict: Annotated[
        bool, Meta(description="Whether only people with a token may log in. If false, guests may, too.")
    ] = True
    secret_key: Annotated[Secret, Meta(description="The secret with which the site signs its tokens.")] = Secret("")
    landing_page_url: Annotated[
        str,
        Meta(
            max_length=MAX_URL_CHARS,
            description="Page of the site where people get a token; shown to those who need one. Optional.",
        ),
    ] = msgspec.field(name="LandingPageURL", default="")

    def signs_like(self, other: "JWT") -> bool:
        """Return whether both accept the same tokens; if not, members must prove their rights again."""
        return (self.enabled, self.secret_key) == (other.enabled, other.secret_key)

    @property
    def sign_in(self) -> str:
        """The value of `signIn` in `welcome`: how people sign in."""
        if not self.enabled:
            return "nickname"
        return "token" if self.strict else "token-or-nickname"


class VIP(msgspec.Struct, frozen=True, rename="pascal"):
    """The people whose token makes them VIPs (its claim `vip` is true)."""

    mutually_secret: Annotated[bool, Meta(description="Whether only VIPs and operators see who is a VIP.")] = False


class MessageFilter(msgspec.Struct, frozen=True, rename="pascal"):
    """Filters for what people write, at most 256. The first enabled one with a matching phrase decides.

    Direct messages from and to operators are not filtered, and messages of operators are not reported.
    """

    enabled: Annotated[bool, Meta(description="Whether this filter applies.")] = False
    public_channels: Annotated[bool, Meta(description="Apply it to channels.")] = True
    private_channels: Annotated[bool, Meta(description="Apply it to direct messages.")] = True
    keyword_phrases: Annotated[
        tuple[str, ...],
        Meta(
            description="Regular expressions (RE2); case matters unless they start with `(?i)`. Matched against the"
            " text as typed, and against its plain letters (NFKC) without invisible characters."
        ),
    ] = ()
    censor_message: Annotated[bool, Meta(description="Replace what matched with asterisks.")] = True
    forward_message: Annotated[
        bool,
        Meta(
            description="Deliver the message. If false, only its author sees it, as if it had been sent; an"
            " edit is refused."
        ),
    ] = False
    report_message: Annotated[
        bool,
        Meta(
            description="Report the message, uncensored, to the site, unless its author's address exceeds"
            " ReportsPerHour."
        ),
    ] = False
    chat_server_response: Annotated[
        str, Meta(max_length=MAX_MESSAGE_CHARS, description="ChatServer's reply to the author. Empty: none.")
    ] = ""


class DirectMessageHistory(msgspec.Struct, frozen=True, rename="pascal"):
    """Whether direct messages are kept, and for how long."""

    enabled: Annotated[
        bool,
        Meta(
            description="Keep direct messages. If false, they are kept only until delivery, and as evidence of reports."
        ),
    ] = True
    retention_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36500,
            description="Days for which direct messages are kept, but never longer than MessageDays. 0: as long as"
            " MessageDays says; 90 if not Enabled.",
        ),
    ] = 0
    disclaimer_message: Annotated[
        str,
        Meta(
            max_length=MAX_MESSAGE_CHARS,
            description="A line at the top of each conversation; text, or HTML that is shown as text.",
        ),
    ] = ""


class DMLinkSpamProtection(msgspec.Struct, frozen=True, rename="pascal"):
    """Removes people who send links to many others in direct messages: first with a warning, then with a ban.

    Operators are exempt, and links to the host of WebsiteURL do not count.
    """

    enabled: Annotated[bool, Meta(description="Whether links in direct messages are counted.")] = False
    max_threads: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Maximum number of people to whom a user can send links to one host within TimeLimit.",
        ),
    ] = 5
    time_limit: Annotated[int, Meta(ge=1, le=31_536_000, description="Seconds for which a link counts.")] = 3600
    ban_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=87_600,
            description="Length in hours of the ban for a second offence. 0: no ban, only another removal.",
        ),
    ] = 24


class Logging(msgspec.Struct, frozen=True, rename="pascal"):
    """Log files of what people write, one for each channel and person, readable only by the server's user."""

    enabled: Annotated[bool, Meta(description="Whether messages are written to files.")] = False
    directory: Annotated[
        str, Meta(min_length=1, description="The directory of the files; relative to the settings file.")
    ] = "logs"
    channels: Annotated[tuple[str, ...], Meta(description="IDs of the channels to log.")] = ()
    usernames: Annotated[
        tuple[str, ...],
        Meta(description="Names of the people whose messages, in channels and direct messages, are logged."),
    ] = ()
