"""Reads a settings file: parses TOML, sorts the keys, and converts and checks the values."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import platformdirs

from server.protocol.toml import TomlError
from server.protocol.toml import parse as parse_toml
from server.settings import barertc
from server.settings.checks import check, normalised_origins, readable_origins
from server.settings.database_url import is_url, named_database
from server.settings.key_notes import KeyNote, Use, notices
from server.settings.keys import KeySorter
from server.settings.model import KEY_VARIABLE, MIN_KEY_CHARS, TLS, Settings, SettingsError
from server.settings.secret import ApiKeys, Secret, SigningSecret, SigningSecrets

DEFAULT_FILE = Path("settings.toml")

_KINDS = re.compile(r"`([a-z]+(?: \| [a-z]+)*)`")
_WORDS = {
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list in [ ]",
    "object": "a table",
    "datetime": "a date",
}

LOCAL_PROXIES = ("127.0.0.0/8", "::1")


class LoadedSettings(NamedTuple):
    """Settings, and notes on how the keys of the file are used."""

    settings: Settings
    notes: list[KeyNote]
    are_defaults: bool
    """There is no file, or it has no settings."""

    @property
    def notices(self) -> list[str]:
        """Lines for the administrator, at startup and after a reload."""
        return list(notices(self.notes))


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> LoadedSettings:
    """Read a settings file, by default `settings.toml` in the working directory; without it, return the defaults.

    Raises SettingsError.
    """
    file = path or DEFAULT_FILE
    if path is None and not file.exists():
        return defaults(environ)
    try:
        # Some editors put a byte order mark first.
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"{file}: no such file; name one with --settings FILE") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}; name another with --settings FILE") from None
    try:
        return parse(text, environ, file.parent)
    except SettingsError as error:
        # A key in quotes can contain a line break.
        raise SettingsError(f"{file}: {' '.join(str(error).split())}") from None


def defaults(environ: Mapping[str, str] = os.environ) -> LoadedSettings:
    """Return the settings of a server without a settings file; its database is in the user's data directory."""
    return parse("", environ, _data_directory())


def parse(text: str, environ: Mapping[str, str], directory: Path = Path()) -> LoadedSettings:
    """Parse the text of a settings file; relative paths start at `directory`. A SettingsError names the line or key."""
    try:
        tables = parse_toml(text)
    except TomlError as error:
        hint = 'put text in "quotes", and write true and false in lower case'
        if "overwrite" in error.problem or "twice" in error.problem:
            hint = "a key or table occurs twice; remove one"
        raise SettingsError(f"{error.place}not valid TOML: {error.problem}; {hint}") from None
    are_defaults = not tables
    tables, notes = _sorted_keys(tables)
    settings = _convert(tables)
    if key := environ.get(KEY_VARIABLE):
        settings = msgspec.structs.replace(settings, admin_api_key=_listed_keys(key))
    settings = _with_paths(_with_database(settings, environ), directory)
    settings = msgspec.structs.replace(
        settings,
        allowed_origins=normalised_origins(settings.allowed_origins),
        cors_hosts=readable_origins(settings.cors_hosts),
    )
    check(settings)
    if settings.use_x_forwarded_for and not settings.limits.trusted_proxies:
        limits = msgspec.structs.replace(settings.limits, trusted_proxies=LOCAL_PROXIES)
        settings = msgspec.structs.replace(settings, limits=limits)
        why = "a proxy on this machine is trusted; if yours is on another one, set Limits.TrustedProxies to its address"
        notes.append(KeyNote("UseXForwardedFor", Use.CHANGED, why))
    return LoadedSettings(settings, notes, are_defaults)


def _listed_keys(written: str) -> ApiKeys:
    """Return the keys of an environment variable, where spaces or commas separate them."""
    # A value of separators only is a blank key, which is refused.
    keys = written.replace(",", " ").split() or [written]
    if len(keys) > 1 and any(len(key) < MIN_KEY_CHARS for key in keys):
        # The words of one secret with spaces would each be accepted as a key.
        raise SettingsError(
            f"{KEY_VARIABLE}: one of its keys is shorter than {MIN_KEY_CHARS} characters; use longer ones, or set"
            " AdminAPIKey to a key with spaces or commas"
        )
    return ApiKeys(*keys)


def _sorted_keys(tables: dict[str, object]) -> tuple[dict[str, object], list[KeyNote]]:
    """Return the tables with the keys that Flagpost knows, and the notes."""
    mark = next((key for key in tables if key.lower() == barertc.MARK.lower()), None)
    sorter = KeySorter(lenient=mark is not None)
    kept = sorter.sort({key: value for key, value in tables.items() if key != mark})
    if mark is None:
        return kept, sorter.notes
    changed = list(barertc.adapt(kept))
    others = [note for note in sorter.notes if note.key not in {change.key for change in changed}]
    return kept, [KeyNote(mark, Use.USED, barertc.MARK_MEANS), *others, *changed]


def _with_database(settings: Settings, environ: Mapping[str, str]) -> Settings:
    try:
        return msgspec.structs.replace(settings, database=named_database(settings.database, environ))
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _with_paths(settings: Settings, directory: Path) -> Settings:
    """Return the settings with file names resolved against the directory of the settings file."""

    def within(name: str) -> str:
        return str(directory / name) if name else ""

    files = {key: within(name) for key, name in msgspec.structs.asdict(settings.tls).items()}
    security = msgspec.structs.replace(settings.webhook_security, ca_file=within(settings.webhook_security.ca_file))
    logging = msgspec.structs.replace(settings.logging, directory=within(settings.logging.directory))
    return msgspec.structs.replace(
        settings,
        database=settings.database if is_url(settings.database) else str(directory / settings.database),
        tls=TLS(**files),
        webhook_security=security,
        logging=logging,
    )


def _data_directory() -> Path:
    """Return the platform's directory for the program's data. If creating it fails, so will opening the database."""
    directory = platformdirs.user_data_path("flagpost", appauthor=False)
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
    return directory


def _convert(tables: dict[str, object]) -> Settings:
    try:
        return msgspec.convert(tables, Settings, dec_hook=_decode)
    except msgspec.ValidationError as error:
        what, _, where = str(error).rpartition(" - at `$")
        what, where = (what, where.strip("`.")) if what else (str(error), "")
        if "missing required field" in what:
            where, what = f"{where}.{what.split('`')[1]}", "missing"
        raise SettingsError(f"{where}: {_plain(what)}; allowed values are in docs/settings.md") from None


def _plain(what: str) -> str:
    """Put an error of msgspec into words for people who write TOML."""
    if "matching regex" in what or "enum value" in what:
        return "this text is not allowed here"
    words = _KINDS.sub(lambda found: " or ".join(_WORDS.get(kind, kind) for kind in found[1].split(" | ")), what)
    return f"{words[0].lower()}{words[1:]}"


def _decode(kind: type, value: object) -> object:
    """Convert types that msgspec does not know. Errors must not contain the value, which is secret."""
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
