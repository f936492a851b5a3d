"""Reads a settings file: parses TOML, checks the keys, and ignores those that only BareRTC has."""

import difflib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, get_args, get_type_hints

import msgspec
import platformdirs
import tomli

from server.settings.checks import check, normalised_origins
from server.settings.model import KEY_VARIABLE, TLS, Settings, SettingsError
from server.settings.secret import ApiKeys, Secret, SigningSecret, SigningSecrets

DEFAULT_FILE = Path("settings.toml")

BARERTC_ONLY = {
    "": {
        "Version", "Branding", "CORSHosts", "PermitNSFW", "BlockableAdmins", "UseXForwardedFor", "RedirectURL",
        "WebSocketReadLimit", "WebSocketSendTimeout", "MaxImageWidth", "PreviewImageWidth", "TURN", "JWT", "VIP",
        "MessageFilters", "ModerationRule", "DirectMessageHistory", "Strings", "Logging",
    },
    "PublicChannels": {"Icon", "VIP", "PermitPhotos"},
}  # fmt: skip
"""Table -> keys of BareRTC's settings.toml that Flagpost ignores."""


class LoadedSettings(NamedTuple):
    """Settings, and a notice for the administrator (one line, or empty)."""

    settings: Settings
    notice: str


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> LoadedSettings:
    """Read a settings file: by default `settings.toml` in this directory, else the defaults. Raises SettingsError."""
    file = path or DEFAULT_FILE
    if path is None and not file.exists():
        return defaults(environ)
    try:
        # Some editors put a byte order mark first.
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"{file}: no such file; name one with --settings FILE") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(f"{file}: cannot be read: {reason}") from None
    try:
        return parse(text, environ, file.parent)
    except SettingsError as error:
        # A key in quotes can contain a line break.
        raise SettingsError(f"{file}: {' '.join(str(error).split())}") from None


def defaults(environ: Mapping[str, str] = os.environ) -> LoadedSettings:
    """Return the settings of a server without a settings file; its database is in the user's data directory."""
    return parse("", environ, _data_directory())


def parse(text: str, environ: Mapping[str, str], directory: Path = Path()) -> LoadedSettings:
    """Parse the text of a settings file. A SettingsError names the line or the key."""
    try:
        tables: dict[str, object] = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        hint = 'put text in "quotes", and write true and false in lower case'
        raise SettingsError(f"line {error.lineno}: not valid TOML: {error.msg}; {hint}") from None
    _refuse_unsafe(tables)
    ignored = _drop_foreign_keys(tables)
    _check_keys(tables, Settings)
    settings = _convert(tables)
    if key := environ.get(KEY_VARIABLE):
        settings = msgspec.structs.replace(settings, admin_api_key=ApiKeys(key))
    settings = _with_paths(settings, directory)
    settings = msgspec.structs.replace(settings, allowed_origins=normalised_origins(settings.allowed_origins))
    check(settings)
    notice = f"these BareRTC settings are ignored: {', '.join(ignored)}" if ignored else ""
    return LoadedSettings(settings, notice)


def _with_paths(settings: Settings, directory: Path) -> Settings:
    """Return the settings with names of files relative to the directory of the settings file."""

    def within(name: str) -> str:
        return str(directory / name) if name else ""

    files = {key: within(name) for key, name in msgspec.structs.asdict(settings.tls).items()}
    security = msgspec.structs.replace(settings.webhook_security, ca_file=within(settings.webhook_security.ca_file))
    return msgspec.structs.replace(
        settings, database=str(directory / settings.database), tls=TLS(**files), webhook_security=security
    )


def _data_directory() -> Path:
    """Return this platform's directory for the program's data. If it cannot be created, opening the database fails."""
    directory = platformdirs.user_data_path("flagpost", appauthor=False)
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
    return directory


def _refuse_unsafe(tables: Mapping[str, object]) -> None:
    """Refuse BareRTC settings that restrict access: ignoring them would open what the site has closed."""
    jwt = tables.get("JWT")
    if isinstance(jwt, dict) and jwt.get("Enabled"):
        raise SettingsError(
            "JWT.Enabled: sign-in with a token is not supported yet; set it to false to let users choose a name"
        )
    channels = tables.get("PublicChannels")
    for number, channel in enumerate(channels if isinstance(channels, list) else []):
        if isinstance(channel, dict) and channel.get("VIP"):
            raise SettingsError(
                f"PublicChannels[{number}].VIP: VIP channels are not supported, everyone could read it; remove it"
            )


def _drop_foreign_keys(tables: dict[str, object]) -> list[str]:
    """Remove the keys that only BareRTC has, and return them."""
    dropped = [key for key in tables if key in BARERTC_ONLY[""]]
    for key in dropped:
        del tables[key]
    channels = tables.get("PublicChannels")
    for channel in channels if isinstance(channels, list) else []:
        for key in BARERTC_ONLY["PublicChannels"] & set(channel if isinstance(channel, dict) else ()):
            del channel[key]
            dropped.append(f"PublicChannels.{key}")
    return sorted(set(dropped))


def _check_keys(table: object, kind: type[msgspec.Struct], where: str = "") -> None:
    """Raise SettingsError for the first unknown key, with the one that was probably meant."""
    if not isinstance(table, dict):
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key in table:
        if key not in fields:
            close = difflib.get_close_matches(key, fields, n=1) or [f for f in fields if f.lower() == key.lower()]
            hint = f'did you mean "{close[0]}"?' if close else f"use one of {', '.join(fields)}"
            raise SettingsError(f"{where}{key}: no such setting; {hint}")
        inner = _struct_within(kind, fields[key].name)
        value = table[key]
        if inner and isinstance(value, dict):
            _check_keys(value, inner, f"{where}{key}.")
        for number, entry in enumerate(value if inner and isinstance(value, list) else []):
            _check_keys(entry, inner or kind, f"{where}{key}[{number}].")


def _struct_within(kind: type[msgspec.Struct], field: str) -> type[msgspec.Struct] | None:
    """Return the struct that a field is, or is a tuple of."""
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
            where, what = f"{where}.{what.split('`')[1]}", "missing"
        raise SettingsError(f"{where}: {what[0].lower()}{what[1:]}; allowed values are in docs/settings.md") from None


def _decode(kind: type, value: object) -> object:
    """Convert types that msgspec does not know. The error must not contain the value, which is secret."""
    texts = [value] if isinstance(value, str) else value
    if isinstance(value, list) and not all(value):
        raise ValueError("An entry is empty; remove it")
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if kind is ApiKeys and isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        return ApiKeys(*texts)
    if kind is SigningSecrets and isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        return SigningSecrets(SigningSecret(text) for text in texts if text)
    raise TypeError("Expected `str`")
