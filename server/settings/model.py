"""Everything that a site owner can choose: frozen, typed, with its default and what it means."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from server.protocol.address import DEFAULT_ADDRESS
from server.protocol.frames import MAX_FRAME_BYTES
from server.settings.secret import Secret, SigningSecrets

KEY_VARIABLE = "FLAGPOST_ADMIN_API_KEY"
QUEUED_WEBHOOK = "report"
"""The one that has a queue; a profile is asked for while somebody waits, or not at all."""
WEBHOOK_NAMES = (QUEUED_WEBHOOK, "profile")


class PublicChannel(msgspec.Struct, frozen=True, rename="pascal"):
    """A channel that everyone in the room reads."""

    id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_.-]{1,64}$",
            description="Its short name on the wire and in webhooks: A-Z a-z 0-9 _ . -",
        ),
    ] = msgspec.field(name="ID")
    name: Annotated[str, Meta(min_length=1, max_length=64, description="What people see.")]
    welcome_messages: Annotated[tuple[str, ...], Meta(description="Lines that ChatServer says to whoever enters.")] = ()
    echo_messages_on_join: Annotated[
        int, Meta(ge=0, le=500, description="How many recent messages a newcomer sees.")
    ] = 10


class WebhookURL(msgspec.Struct, frozen=True, rename="pascal"):
    """A question or message of this server to the site."""

    name: Annotated[str, Meta(description='"report" or "profile".')]
    enabled: Annotated[bool, Meta(description="Off: the client shows no key for it.")] = False
    url: Annotated[str, Meta(description="Where it is posted: http:// or https://.")] = msgspec.field(
        name="URL", default=""
    )
    evidence: Annotated[
        bool,
        Meta(
            description="Reports also hold ReportID, MessageID and Context: messages around it that the reporter chose."
        ),
    ] = False
    message_format: Annotated[
        Literal["text", "html"],
        Meta(description='How reports hold messages: "text" as it was typed, or "html" to show as it is.'),
    ] = "text"
    secret: Annotated[
        SigningSecrets,
        Meta(description='Signs each request: "whsec_..." of Standard Webhooks, or a list of them. Empty: unsigned.'),
    ] = SigningSecrets()


class TLS(msgspec.Struct, frozen=True, rename="pascal"):
    """The server's own certificate. Without one it speaks plainly: on this machine, or behind a proxy that has one."""

    cert_file: Annotated[
        str,
        Meta(description="PEM file of the certificate and of those that lead to it, from the directory of this file."),
    ] = ""
    key_file: Annotated[str, Meta(description="PEM file of its key, without a password.")] = ""

    @property
    def on(self) -> bool:
        """Whether the server has a certificate."""
        return bool(self.cert_file)


class Log(msgspec.Struct, frozen=True, rename="pascal"):
    """What the server writes to its standard error; never what people say, and no key or token."""

    format: Annotated[
        Literal["console", "json"], Meta(description='"console" for people, or "json": one object for each line.')
    ] = "console"
    level: Annotated[
        Literal["info", "warning", "error"], Meta(description="The least important thing that is written.")
    ] = "info"


class WebhookSecurity(msgspec.Struct, frozen=True, rename="pascal"):
    """Where webhooks may not go."""

    block_private: Annotated[
        bool, Meta(description="Refuse addresses of this machine and of private networks, whatever name they have.")
    ] = False


class RoomLimits(msgspec.Struct, frozen=True, rename="pascal"):
    """How much one person, or one address, may do; 0: no limit."""

    connections_per_address: Annotated[
        int, Meta(ge=0, description="Connections that one address (of IPv6: its /64) may have at a time.")
    ] = 16
    new_connections_per_10_minutes: Annotated[
        int, Meta(ge=0, description="Connections that one address may open within 10 minutes.")
    ] = 32
    requests_per_minute: Annotated[
        int,
        Meta(
            ge=0,
            description="HTTP requests that one address may make within a minute, websockets included; of connections,"
            " twice as many are accepted.",
        ),
    ] = 120
    logins_per_minute: Annotated[int, Meta(ge=0, description="Logins that one address may try within a minute.")] = 20
    messages_burst: Annotated[
        int,
        Meta(
            ge=1,
            description="Messages, reactions, reports that one person may send at once; the next wait, then are"
            " refused.",
        ),
    ] = 10
    messages_per_second: Annotated[
        float, Meta(ge=0, description="So many of these a second that one person may send in the long run.")
    ] = 2.0
    pages_burst: Annotated[
        int,
        Meta(
            ge=1,
            description="Pages of 50 older messages that one person may ask for at once; a search counts as several."
            " The next wait, then are refused. One address: four times as many.",
        ),
    ] = 100
    pages_per_second: Annotated[
        float, Meta(ge=0, description="Pages a second that one person may ask for in the long run.")
    ] = 5.0
    stored_kilobytes_per_day: Annotated[
        int,
        Meta(
            ge=0,
            description="Kilobytes on the disk that one person's messages and reactions may take within a day, and"
            " their reports besides. One address: four times as many.",
        ),
    ] = 16384
    free_megabytes: Annotated[
        int,
        Meta(ge=0, description="Free space of the disk, in megabytes, below which messages are refused."),
    ] = 64
    bytes_per_second: Annotated[
        int,
        Meta(ge=0, description="Bytes a second that are read of one connection, four times as many at once."),
    ] = 65536
    reports_per_hour: Annotated[int, Meta(ge=0, description="Reports that one person may send within an hour.")] = 20
    profiles_per_minute: Annotated[
        int, Meta(ge=0, description="Profiles that one person may ask for within a minute.")
    ] = 30
    frame_bytes: Annotated[int, Meta(ge=0, description="Bytes of one frame; a bigger one ends its connection.")] = (
        MAX_FRAME_BYTES
    )
    exempt_addresses: Annotated[
        tuple[str, ...],
        Meta(description="Addresses and networks to which the limits of an address do not apply."),
    ] = ("127.0.0.0/8", "::1")
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description='Proxies that are believed in X-Forwarded-For whom they speak for, like "10.0.0.0/8".'),
    ] = ()


class Settings(msgspec.Struct, frozen=True, rename="pascal"):
    """Everything that a site owner can choose."""

    title: Annotated[str, Meta(max_length=64, description="The name of the room.")] = "Flagpost"
    website_url: Annotated[
        str, Meta(description="The site that the room belongs to; shown to people. May be empty.")
    ] = msgspec.field(name="WebsiteURL", default="")
    address: Annotated[
        str, Meta(description="HOST:PORT to listen on. Beyond this machine: with [TLS], or behind a proxy that has it.")
    ] = DEFAULT_ADDRESS
    database: Annotated[
        str,
        Meta(description="The SQLite file of messages, from the directory of this file (without one: of your data)."),
    ] = "flagpost.sqlite"
    admin_api_key: Annotated[
        Secret,
        Meta(description=f"Sent in each webhook so that the site knows who asks. {KEY_VARIABLE} overrides it."),
    ] = msgspec.field(name="AdminAPIKey", default=Secret(""))
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(description='Web pages that may connect, like "https://chat.example"; terminals send no Origin.'),
    ] = ()
    allowed_hosts: Annotated[
        tuple[str, ...],
        Meta(
            description='More names by which HTTP requests may call this server, like "flagpost.internal"; those of'
            " Address, AllowedOrigins and WebsiteURL, localhost and IP addresses are known."
        ),
    ] = ()
    compression: Annotated[
        bool,
        Meta(description="Compress for clients that ask for it, once for all: less traffic, more of the processor."),
    ] = False
    report_reasons: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...],
        Meta(
            min_length=1,
            description='What a report can say; a reason that begins with "Other" needs a comment.',
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
        int, Meta(ge=0, le=3650, description="How long a message that was taken back can still be reported.")
    ] = 30
    delivery_log_days: Annotated[
        int, Meta(ge=0, le=3650, description="How long each attempt to reach the site is kept, with its answer.")
    ] = 30
    limits: Annotated[RoomLimits, Meta(description="How much one person, or one address, may do; 0: no limit.")] = (
        RoomLimits()
    )
    tls: Annotated[
        TLS, Meta(description="The server's own certificate, read again upon SIGHUP. Empty: it has none.")
    ] = msgspec.field(name="TLS", default=TLS())
    log: Annotated[Log, Meta(description="What is written to standard error.")] = Log()
    webhook_security: Annotated[WebhookSecurity, Meta(description="Where webhooks may not go.")] = WebhookSecurity()
    public_channels: Annotated[
        tuple[PublicChannel, ...], Meta(min_length=1, description="The rooms, in their order.")
    ] = (PublicChannel("lobby", "Lobby"),)
    webhook_urls: Annotated[tuple[WebhookURL, ...], Meta(description="What is asked of the site.")] = msgspec.field(
        name="WebhookURLs", default=()
    )

    def webhook(self, name: str) -> WebhookURL | None:
        """A webhook that is on, or None."""
        return next((hook for hook in self.webhook_urls if hook.name == name and hook.enabled), None)
