"""settings.toml -> frozen, typed settings, or one line that says what is wrong, where, and what to do."""

import base64
import binascii
import difflib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
import platformdirs
import tomli
from msgspec import Meta

from server.protocol.address import DEFAULT_ADDRESS, Address
from server.protocol.frames import MAX_FRAME_BYTES
from server.rules import addresses

DEFAULT_FILE = Path("settings.toml")
KEY_VARIABLE = "FLAGPOST_ADMIN_API_KEY"
WEBHOOK_NAMES = ("report", "profile")

BARERTC_ONLY = {
    "": {
        "Version", "Branding", "CORSHosts", "PermitNSFW", "BlockableAdmins", "UseXForwardedFor", "RedirectURL",
        "WebSocketReadLimit", "WebSocketSendTimeout", "MaxImageWidth", "PreviewImageWidth", "TURN", "JWT", "VIP",
        "MessageFilters", "ModerationRule", "DirectMessageHistory", "Strings", "Logging",
    },
    "PublicChannels": {"Icon", "VIP", "PermitPhotos"},
}  # fmt: skip
"""Table -> keys of BareRTC's settings.toml that have no meaning here."""


class SettingsError(Exception):
    """Settings that cannot be used; the text is one line: where, what, and what to do."""


class Secret:
    """A string that no log, error or repr shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def reveal(self) -> str:
        """The string itself, for the one place that must send it."""
        return self._value


class SigningSecret:
    """A key of Standard Webhooks' signatures, written "whsec_" and 24 to 64 bytes in base64."""

    PREFIX = "whsec_"
    SIZES = range(24, 65)

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """ValueError if it is none; the message does not hold it."""
        encoded = text.removeprefix(self.PREFIX)
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if encoded == text or len(key) not in self.SIZES:
            raise ValueError(f'Expected "{self.PREFIX}" and {self.SIZES[0]} to {self.SIZES[-1]} bytes in base64')
        self._key = Secret(encoded)

    def __repr__(self) -> str:
        return "SigningSecret(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SigningSecret) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def reveal(self) -> bytes:
        """The bytes of the key, for the one place that signs."""
        return base64.b64decode(self._key.reveal())


class SigningSecrets(tuple[SigningSecret, ...]):
    """One secret, or several while they are exchanged; each signs. Settings write one text, or a list of them."""

    __slots__ = ()


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
    logins_per_minute: Annotated[int, Meta(ge=0, description="Logins that one address may try within a minute.")] = 20
    messages_burst: Annotated[
        int, Meta(ge=1, description="Messages that one person may send at once; the next ones wait, then are refused.")
    ] = 10
    messages_per_second: Annotated[
        float, Meta(ge=0, description="Messages a second that one person may send in the long run.")
    ] = 2.0
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
        str, Meta(description="HOST:PORT to listen on. Beyond this machine: behind a proxy that speaks TLS.")
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


class Loaded(NamedTuple):
    """Settings, and what the operator should be told about them (one line, or empty)."""

    settings: Settings
    notice: str


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read a settings file; without a path `settings.toml` here, or the defaults if there is none. SettingsError."""
    file = path or DEFAULT_FILE
    if path is None and not file.exists():
        return parse("", environ, _data_directory())
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{file}: there is no such file; give one with --settings FILE") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{file}: cannot be read: {reason}") from None
    try:
        return parse(text, environ, file.parent)
    except SettingsError as error:
        # A key in quotes can hold a line end.
        raise SettingsError(f"{file}: {' '.join(str(error).split())}") from None


def parse(text: str, environ: Mapping[str, str], directory: Path = Path()) -> Loaded:
    """Read the text of a settings file; SettingsError says line or key."""
    try:
        tables: dict[str, object] = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        hint = 'put text in "quotes", and write true or false in small letters'
        raise SettingsError(f"line {error.lineno}: this is not TOML: {error.msg}; {hint}") from None
    _refuse_unsafe(tables)
    ignored = _take_foreign_keys(tables)
    _check_keys(tables, Settings)
    settings = _convert(tables)
    if key := environ.get(KEY_VARIABLE):
        settings = msgspec.structs.replace(settings, admin_api_key=Secret(key))
    settings = msgspec.structs.replace(settings, database=str(directory / settings.database))
    _check_values(settings)
    notice = f"these settings of BareRTC have no effect here: {', '.join(ignored)}" if ignored else ""
    return Loaded(settings, notice)


def _data_directory() -> Path:
    """Where this platform keeps a program's data; that it cannot be made will show when the database is opened."""
    directory = platformdirs.user_data_path("flagpost", appauthor=False)
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
    return directory


def _refuse_unsafe(tables: Mapping[str, object]) -> None:
    """Stop where leaving a BareRTC setting out would open a door that its owner had locked."""
    jwt = tables.get("JWT")
    if isinstance(jwt, dict) and jwt.get("Enabled"):
        raise SettingsError(
            "JWT.Enabled: sign-in by token is not there yet; set it to false to let people choose a name"
        )
    channels = tables.get("PublicChannels")
    for number, channel in enumerate(channels if isinstance(channels, list) else []):
        if isinstance(channel, dict) and channel.get("VIP"):
            raise SettingsError(
                f"PublicChannels[{number}].VIP: there are no VIP channels; everyone could read it: take it out"
            )


def _take_foreign_keys(tables: dict[str, object]) -> list[str]:
    """Remove what only BareRTC knows, and name it."""
    taken = [key for key in tables if key in BARERTC_ONLY[""]]
    for key in taken:
        del tables[key]
    channels = tables.get("PublicChannels")
    for channel in channels if isinstance(channels, list) else []:
        for key in BARERTC_ONLY["PublicChannels"] & set(channel if isinstance(channel, dict) else ()):
            del channel[key]
            taken.append(f"PublicChannels.{key}")
    return sorted(set(taken))


def _check_keys(table: object, kind: type[msgspec.Struct], where: str = "") -> None:
    """Name the first key that the settings do not know, and the one that was probably meant."""
    if not isinstance(table, dict):
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key in table:
        if key not in fields:
            close = difflib.get_close_matches(key, fields, n=1) or [f for f in fields if f.lower() == key.lower()]
            hint = f'did you mean "{close[0]}"?' if close else f"known here are {', '.join(fields)}"
            raise SettingsError(f"{where}{key}: there is no such setting; {hint}")
        inner = _struct_within(kind, fields[key].name)
        value = table[key]
        if inner and isinstance(value, dict):
            _check_keys(value, inner, f"{where}{key}.")
        for number, entry in enumerate(value if inner and isinstance(value, list) else []):
            _check_keys(entry, inner or kind, f"{where}{key}[{number}].")


def _struct_within(kind: type[msgspec.Struct], field: str) -> type[msgspec.Struct] | None:
    """The struct that a field is, or is a tuple of."""
    hint = get_type_hints(kind)[field]
    for argument in (hint, *get_args(hint)):
        if isinstance(argument, type) and issubclass(argument, msgspec.Struct):
            return argument
    return None


def _convert(tables: dict[str, object]) -> Settings:
    try:
        return msgspec.convert(tables, Settings, dec_hook=_decode)
    except msgspec.ValidationError as error:
        what, _, where = str(error).rpartition(" - at `$")
        what, where = (what, where.strip("`.")) if what else (str(error), "")
        if "missing required field" in what:
            where, what = f"{where}.{what.split('`')[1]}", "it is missing"
        raise SettingsError(f"{where}: {what[0].lower()}{what[1:]}; docs/settings.md says what it takes") from None


def _decode(kind: type, value: object) -> object:
    """Read what msgspec does not know by itself; the message must not hold the value."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    texts = [value] if isinstance(value, str) else value
    if kind is SigningSecrets and isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        return SigningSecrets(SigningSecret(text) for text in texts if text)
    raise TypeError("Expected `str`")


def _check_values(settings: Settings) -> None:
    try:
        Address.parse(settings.address)
    except ValueError as error:
        raise SettingsError(f"Address: {error}") from None
    _check_unique("PublicChannels", "ID", [channel.id for channel in settings.public_channels])
    _check_unique("WebhookURLs", "Name", [hook.name for hook in settings.webhook_urls])
    if settings.website_url:
        _check_url("WebsiteURL", settings.website_url)
    for number, origin in enumerate(settings.allowed_origins):
        _check_url(f"AllowedOrigins[{number}]", origin)
        if urlsplit(origin).path:
            raise SettingsError(
                f'AllowedOrigins[{number}]: an origin has no path; write it like "https://chat.example"'
            )
    _check_networks("Limits.ExemptAddresses", settings.limits.exempt_addresses)
    _check_networks("Limits.TrustedProxies", settings.limits.trusted_proxies)
    for number, hook in enumerate(settings.webhook_urls):
        _check_webhook(f"WebhookURLs[{number}]", hook, has_key=bool(settings.admin_api_key))


def _check_webhook(where: str, hook: WebhookURL, *, has_key: bool) -> None:
    if hook.name not in WEBHOOK_NAMES:
        raise SettingsError(f'{where}.Name: there is no webhook "{hook.name}"; known are {", ".join(WEBHOOK_NAMES)}')
    if hook.enabled or hook.url:
        _check_url(f"{where}.URL", hook.url)
    if hook.enabled and not has_key:
        raise SettingsError(
            f'AdminAPIKey: it is empty, but webhook "{hook.name}" is on; set it, or {KEY_VARIABLE}, to a long secret'
        )


def _check_unique(table: str, key: str, values: list[str]) -> None:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise SettingsError(f'{table}[{number}].{key}: "{value}" stands there twice; take one out or rename it')


def _check_networks(where: str, texts: Sequence[str]) -> None:
    for number, text in enumerate(texts):
        try:
            addresses.networks([text])
        except ValueError:
            raise SettingsError(
                f'{where}[{number}]: "{text}" is no address and no network; write it like "192.0.2.1" or "10.0.0.0/8"'
            ) from None


def _check_url(where: str, url: str) -> None:
    """Accept http(s)://host...; the message does not repeat the URL, for it may hold a password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise SettingsError(
            f'{where}: this is no http:// or https:// URL; write it like "https://site.example/webhooks"'
        )
