"""All settings, frozen and typed, with their defaults and descriptions; and which of them a reload can change."""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from server.protocol.address import DEFAULT_ADDRESS
from server.protocol.errors import OneLineError
from server.protocol.frames import MAX_MESSAGE_CHARS
from server.settings.database_url import URL_VARIABLE
from server.settings.limits import RoomLimits
from server.settings.reload_effect import NEW, RESTART
from server.settings.secret import ApiKeys
from server.settings.site_tables import (
    JWT,
    MAX_URL_CHARS,
    VIP,
    DirectMessageHistory,
    DMLinkSpamProtection,
    Logging,
    MessageFilter,
)
from server.settings.webhook_tables import WebhookSecurity, WebhookURL

KEY_VARIABLE = "FLAGPOST_ADMIN_API_KEY"
MIN_KEY_CHARS = 16
"""Minimum length of a key that is hard to guess; `doctor` warns about shorter keys."""
MAX_CHANNELS = 256
MAX_ECHO = 500
MAX_FILTERS = 256
MAX_TITLE = 64
MAX_WELCOMING = 40_000
"""Maximum number of characters in all welcome messages: a client that has just connected receives them in time."""
MAX_REASONS = 32
"""Maximum number of report reasons. This many fit, together with all channels, into one `welcome` frame."""


class SettingsError(OneLineError):
    """Unusable settings; the text says where, what is wrong, and what to do."""


class PublicChannel(msgspec.Struct, frozen=True, rename="pascal"):
    """The channels, in display order, at most 256."""

    id: Annotated[
        str,
        Meta(
            pattern=r"^(?![@\s]).{0,63}\S\Z",
            description="Short name in the protocol and in webhooks: at most 64 characters, not starting with @.",
        ),
    ] = msgspec.field(name="ID")
    name: Annotated[str, Meta(min_length=1, max_length=MAX_TITLE, description="Display name.")]
    welcome_messages: Annotated[
        tuple[Annotated[str, Meta(max_length=MAX_MESSAGE_CHARS)], ...],
        Meta(
            extra=NEW,
            description="Messages from ChatServer to each user who logs in, but not after a lost connection. Those of"
            " all channels together have at most 40,000 characters.",
        ),
    ] = ()
    echo_messages_on_join: Annotated[
        int,
        Meta(extra=NEW, ge=0, le=MAX_ECHO, description="Number of recent messages that a user sees after joining."),
    ] = 10
    vip: Annotated[bool, Meta(description="Whether only VIPs and operators can see the channel.")] = msgspec.field(
        name="VIP", default=False
    )


class TLS(msgspec.Struct, frozen=True, rename="pascal"):
    """The server's certificate. Without one, traffic is unencrypted: use that only locally, or behind a TLS proxy."""

    cert_file: Annotated[
        str,
        Meta(extra=NEW, description="PEM file with the certificate and its chain; relative to the settings file."),
    ] = ""
    key_file: Annotated[
        str,
        Meta(
            extra=NEW, description="PEM file with the private key, without a password; relative to the settings file."
        ),
    ] = ""

    @property
    def on(self) -> bool:
        """Return whether the server has a certificate."""
        return bool(self.cert_file)


class Log(msgspec.Struct, frozen=True, rename="pascal"):
    """The log on standard error. It never contains messages, keys or tokens."""

    format: Annotated[
        Literal["console", "json"], Meta(description='"console" for people, or "json": one object per line.')
    ] = "console"
    level: Annotated[
        Literal["info", "warning", "error"],
        Meta(description='The lowest level that is logged: "info", "warning" or "error".'),
    ] = "info"


class OwnMetrics(msgspec.Struct, frozen=True, rename="pascal"):
    """A separate address for metrics and statistics, open to everyone who can connect to it."""

    address: Annotated[
        str,
        Meta(
            extra=RESTART,
            description="HOST:PORT that serves only /metrics, /api/statistics, /healthz and /readyz, without TLS and"
            " without a key; choose one that only your own programs can reach. Empty: none.",
        ),
    ] = ""


class Names(msgspec.Struct, frozen=True, rename="pascal"):
    """The reservation of display names."""

    reserved_days: Annotated[
        int,
        Meta(
            ge=0,
            le=3650,
            description="Days for which a name stays reserved for the person who used it last, or longer while a report"
            " about that name is open. 0: not at all. Guests whose client proves no identity get only the"
            " latter; with [JWT], the names of members are always reserved. Of both kinds, the latest 50,000 names are"
            " reserved.",
        ),
    ] = 30


class Settings(msgspec.Struct, frozen=True, rename="pascal"):
    """All settings of a server."""

    title: Annotated[str, Meta(max_length=MAX_TITLE, description="The name of the room.")] = "Flagpost"
    website_url: Annotated[
        str,
        Meta(max_length=MAX_URL_CHARS, description="URL of the site that runs the room, shown to users. Optional."),
    ] = msgspec.field(name="WebsiteURL", default="")
    address: Annotated[
        str | tuple[str, ...],
        Meta(
            extra=RESTART,
            description='HOST:PORT to listen on, or a list of them; "[::]:9000" means every address of this machine.'
            " For access from other machines use [TLS], or a proxy with TLS.",
        ),
    ] = DEFAULT_ADDRESS
    database: Annotated[
        str,
        Meta(
            extra=RESTART,
            description="SQLite file; relative to the settings file, or in the user's data directory if there is none."
            ' Or "postgresql://USER@HOST/DATABASE" for several servers; its password comes from PGPASSWORD or a'
            f" pgpass file. The environment variable {URL_VARIABLE} overrides it with a whole URL.",
        ),
    ] = "flagpost.sqlite"
    admin_api_key: Annotated[
        ApiKeys,
        Meta(
            description="Key that authenticates server and site to each other. During a rotation, a list: the first key"
            f" is sent, all are accepted. The environment variable {KEY_VARIABLE} overrides it; spaces or"
            " commas separate several keys, each of at least 16 characters."
        ),
    ] = msgspec.field(name="AdminAPIKey", default=ApiKeys())
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(
            extra=NEW,
            description='Origins of web pages that may connect, like "https://chat.example". Terminal clients have'
            " none.",
        ),
    ] = ()
    allowed_hosts: Annotated[
        tuple[str, ...],
        Meta(
            description='Additional host names of this server, like "flagpost.internal". Those in Address,'
            " AllowedOrigins and WebsiteURL, localhost and IP addresses are always accepted."
        ),
    ] = ()
    cors_hosts: Annotated[
        tuple[str, ...],
        Meta(description='Origins of web pages that may read /api/statistics, like "https://site.example".'),
    ] = msgspec.field(name="CORSHosts", default=())
    use_x_forwarded_for: Annotated[
        bool,
        Meta(
            extra=NEW,
            description="Trust the X-Forwarded-For header of a proxy on this machine. For other proxies, set"
            " Limits.TrustedProxies, which replaces this.",
        ),
    ] = False
    blockable_admins: Annotated[bool, Meta(description="Whether users can block operators.")] = False
    compression: Annotated[
        bool,
        Meta(
            extra=NEW,
            description="Offer permessage-deflate: less bandwidth, more CPU. Each message is compressed once for all"
            " recipients.",
        ),
    ] = False
    report_reasons: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...],
        Meta(
            min_length=1,
            max_length=MAX_REASONS,
            description='Reasons in the report form. One that starts with "Other" requires a comment.',
        ),
    ] = (
        "It's spam",
        "It's abusive (racist, homophobic, etc.)",
        "It's malicious (e.g. link to a malware website, phishing)",
        "It's illegal (e.g. controlled substances, violence)",
        "It's child abuse (CP, CSAM, pedophilia, etc.)",
        "Other (please describe)",
    )
    evidence_days: Annotated[
        int,
        Meta(ge=0, le=3650, description="Days for which the text of a deleted message is kept and can be reported."),
    ] = 30
    message_days: Annotated[int, Meta(ge=0, le=3650, description="Days for which messages are kept. 0: forever.")] = 0
    report_days: Annotated[
        int,
        Meta(
            ge=0,
            le=3650,
            description="Days for which a report is kept after its last change, once its delivery has ended. 0:"
            " forever.",
        ),
    ] = 0
    delivery_log_days: Annotated[
        int,
        Meta(
            ge=0, le=3650, description="Days for which the log of delivery attempts, with the site's answers, is kept."
        ),
    ] = 30
    jwt: Annotated[JWT, Meta(description="Sign-in with a token from the site.")] = msgspec.field(
        name="JWT", default=JWT()
    )
    vip: Annotated[VIP, Meta(description="The people whose token makes them VIPs.")] = msgspec.field(
        name="VIP", default=VIP()
    )
    direct_message_history: Annotated[
        DirectMessageHistory, Meta(description="Whether direct messages are kept, and for how long.")
    ] = DirectMessageHistory()
    dm_link_spam_protection: Annotated[
        DMLinkSpamProtection, Meta(description="Removes people who send links to many others in direct messages.")
    ] = msgspec.field(name="DMLinkSpamProtection", default=DMLinkSpamProtection())
    logging: Annotated[Logging, Meta(description="Log files of what people write.")] = Logging()
    names: Annotated[Names, Meta(description="The reservation of display names.")] = Names()
    limits: Annotated[RoomLimits, Meta(description="Limits per user and per address. 0: no limit.")] = RoomLimits()
    tls: Annotated[TLS, Meta(description="The server's certificate. Empty: no TLS.")] = msgspec.field(
        name="TLS", default=TLS()
    )
    metrics: Annotated[OwnMetrics, Meta(description="A separate address for metrics and statistics.")] = OwnMetrics()
    log: Annotated[Log, Meta(description="The log on standard error.")] = Log()
    webhook_security: Annotated[WebhookSecurity, Meta(description="How webhooks connect, and to which addresses.")] = (
        WebhookSecurity()
    )
    public_channels: Annotated[
        tuple[PublicChannel, ...],
        Meta(min_length=1, max_length=MAX_CHANNELS, description="The channels, in display order."),
    ] = (PublicChannel("lobby", "Lobby"),)
    message_filters: Annotated[
        tuple[MessageFilter, ...],
        Meta(
            max_length=MAX_FILTERS,
            description="Filters for what people write. The first enabled one with a matching phrase decides.",
        ),
    ] = ()
    webhook_urls: Annotated[
        tuple[WebhookURL, ...], Meta(description="Endpoints of the site that this server calls.")
    ] = msgspec.field(name="WebhookURLs", default=())

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address to listen on."""
        return (self.address,) if isinstance(self.address, str) else self.address

    def webhook(self, name: str) -> WebhookURL | None:
        """Return the first enabled webhook of this name, or None."""
        return next(iter(self.webhooks(name)), None)

    def webhooks(self, name: str) -> list[WebhookURL]:
        """Return the enabled webhooks of this name."""
        return [hook for hook in self.webhook_urls if hook.name == name and hook.enabled]


class Renewed(NamedTuple):
    """The settings after a reload, and the changed keys that still require a restart."""

    settings: Settings
    waiting: list[str]


def renewed(running: Settings, fresh: Settings) -> Renewed:
    """Return the fresh settings, but with the running values of keys that require a restart."""
    waiting = []
    for field in ("address", "database"):
        if getattr(running, field) != getattr(fresh, field):
            waiting.append(field.title())
            fresh = msgspec.structs.replace(fresh, **{field: getattr(running, field)})
    if running.metrics != fresh.metrics:
        waiting.append("Metrics")
        fresh = msgspec.structs.replace(fresh, metrics=running.metrics)
    if running.tls.on != fresh.tls.on:
        waiting.append("TLS")
        fresh = msgspec.structs.replace(fresh, tls=running.tls)
    return Renewed(fresh, waiting)
