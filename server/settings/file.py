"""Reads the text of a settings file: its TOML, its keys, what of BareRTC's has no meaning here."""

import difflib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, get_args, get_type_hints

import msgspec
import platformdirs
import tomli

from server.settings.checks import check
from server.settings.errors import SettingsError
from server.settings.model import KEY_VARIABLE, TLS, Settings
from server.settings.secret import Secret, SigningSecret, SigningSecrets

DEFAULT_FILE = Path("settings.toml")

BARERTC_ONLY = {
    "": {
        "Version", "Branding", "CORSHosts", "PermitNSFW", "BlockableAdmins", "UseXForwardedFor", "RedirectURL",
        "WebSocketReadLimit", "WebSocketSendTimeout", "MaxImageWidth", "PreviewImageWidth", "TURN", "JWT", "VIP",
        "MessageFilters", "ModerationRule", "DirectMessageHistory", "Strings", "Logging",
    },
    "PublicChannels": {"Icon", "VIP", "PermitPhotos"},
}  # fmt: skip
"""Table -> keys of BareRTC's settings.toml that have no meaning here."""


class Loaded(NamedTuple):
    """Settings, and what the operator should be told about them (one line, or empty)."""

    settings: Settings
    notice: str


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read a settings file; without a path `settings.toml` here, or the defaults if there is none. SettingsError."""
    file = path or DEFAULT_FILE
    if path is None and not file.exists():
        return defaults(environ)
    try:
        # With the mark that some editors put before it, or without.
        text = file.read_text(encoding="utf-8-sig")
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


def defaults(environ: Mapping[str, str] = os.environ) -> Loaded:
    """Return the settings of a server without a file, whose database is among the user's data."""
    return parse("", environ, _data_directory())


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
    files = {key: str(directory / name) if name else "" for key, name in msgspec.structs.asdict(settings.tls).items()}
    settings = msgspec.structs.replace(settings, database=str(directory / settings.database), tls=TLS(**files))
    check(settings)
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
