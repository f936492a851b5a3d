"""The user's configuration: a TOML file, whose problems are reported in one line each."""

import difflib
import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Struct, field

from server.protocol import toml
from tui import files
from tui.files import FileError
from tui.text import clean_line

VARIABLE = "FLAGPOST_CONFIG"
"""Environment variable with the path of another configuration file."""
ENCODING = "utf-8-sig"
"""UTF-8; a byte order mark is accepted."""


class Level(StrEnum):
    """The messages of a channel that cause a notification."""

    ALL = "all"
    MENTIONS = "mentions"
    NONE = "none"


class Hours(StrEnum):
    """The format of the time of day."""

    H24 = "24h"
    H12 = "12h"


def _about(text: str) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"description": text})


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one channel or conversation that differ from the general ones."""

    notices: Annotated[Level | None, _about("`all`, `mentions` or `none`; if missing, `notices` above applies.")] = None


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one server."""

    channels: dict[str, Channel] = {}


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The user's choices; settings missing from the file have their default values."""

    name: Annotated[str, _about("The name that you chose last; empty: your name on this machine.")] = ""
    server: Annotated[str, _about("The server used last, like `wss://chat.example`; empty: your own.")] = ""
    theme: Annotated[str, _about("`flagpost-dark`, `flagpost-light`, `flagpost-contrast`, or one of Textual's.")] = (
        "flagpost-dark"
    )
    compact: Annotated[bool, _about("Author and message in one line, no blank lines.")] = False
    time: Annotated[Hours, _about("`24h` or `12h`.")] = Hours.H24
    reduced_motion: Annotated[bool, _about("Nothing slides, fades or blinks.")] = False
    mouse: Annotated[bool, _about("The client handles the mouse; if `false`, the terminal does.")] = True
    notices: Annotated[
        Level, _about("Which messages notify you: `all`, `mentions` (and direct messages) or `none`.")
    ] = Level.MENTIONS
    words: Annotated[tuple[str, ...], _about('Words that count as mentions of you, such as `["deploy"]`.')] = ()
    channels: Annotated[dict[str, Channel], _about("Settings of individual channels; see below.")] = {}
    servers: Annotated[dict[str, ServerConfig], _about("Settings of channels at one server; see below.")] = {}
    keys: Annotated[dict[str, str], _about("Keys that you assign to actions; see below.")] = {}

    def own_level(self, channel: str, server: str) -> Level | None:
        """Return the level set for a channel at this server, or else at all servers; None if neither is set."""
        for channels in (self.servers.get(server, ServerConfig()).channels, self.channels):
            if channel in channels and (level := channels[channel].notices):
                return level
        return None

    def level(self, channel: str, server: str) -> Level:
        """Return which messages cause a notification in a channel, or in a conversation ("@name")."""
        return self.own_level(channel, server) or self.notices

    def with_level(self, channel: str, server: str, level: Level | None) -> "Config":
        """Return the configuration with this level for a channel of a server; None: the general level applies."""
        if level is None and channel in self.channels:
            # Otherwise the level that the channel has at all servers would apply.
            level = self.notices
        channels = {**self.servers.get(server, ServerConfig()).channels, channel: Channel(notices=level)}
        return msgspec.structs.replace(self, servers={**self.servers, server: ServerConfig(channels=channels)})


class LoadedConfig(Struct, frozen=True):
    """A configuration, its file (None: it is not saved), and a line for each unusable setting."""

    config: Config = field(default_factory=Config)
    file: Path | None = None
    problems: tuple[str, ...] = ()
    exists: bool = True
    """True if the file exists."""


def place() -> Path:
    """Return the path of the configuration file: the one named in the environment, or the platform's default."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    import platformdirs

    return platformdirs.user_config_path("flagpost", appauthor=False) / "config.toml"


def load(file: Path) -> LoadedConfig:
    """Read a file. A missing file means the defaults; so does an unusable setting, which is listed in `problems`.

    Raises FileError if the file cannot be read, or is not a regular file.
    """
    try:
        tables = toml.parse(files.read(file).decode(ENCODING))
    except FileNotFoundError:
        return LoadedConfig(file=file, exists=False)
    except toml.TomlError as error:
        problem = f"{error.place}this is not TOML: {error.problem}; the defaults apply until you correct it"
    except UnicodeDecodeError:
        problem = "this is not UTF-8; the defaults apply until you correct it"
    except OSError as error:
        why = f"the configuration cannot be read: {error.strerror or error}; name another file in {VARIABLE}"
        raise FileError(problem_line(file, why)) from None
    else:
        config, problems = _convert(tables)
        return LoadedConfig(config, file, tuple(problem_line(file, each) for each in problems))
    return LoadedConfig(file=file, problems=(problem_line(file, problem),))


def problem_line(file: Path, problem: str) -> str:
    """Return a problem with a file, in one line."""
    return clean_line(f"{file}: {problem}")


def _convert(tables: Mapping[str, object]) -> tuple[Config, list[str]]:
    problems: list[str] = []
    found = dict(_known(tables, Config, "", problems))
    channels = _channels(found.pop("channels", {}), "channels", problems)
    servers = {
        name: ServerConfig(channels=_channels(known.get("channels", {}), f"servers.{name}.channels", problems))
        for name, table in _tables(found.pop("servers", {}), "servers", problems)
        for known in [dict(_known(table, ServerConfig, f"servers.{name}.", problems))]
    }
    keys = dict(_keys(found.pop("keys", {}), "keys", problems))
    return msgspec.convert({**found, "channels": channels, "servers": servers, "keys": keys}, Config), problems


def _channels(value: object, where: str, problems: list[str]) -> dict[str, Channel]:
    return {
        name: msgspec.convert(dict(_known(table, Channel, f"{where}.{name}.", problems)), Channel)
        for name, table in _tables(value, where, problems)
    }


def _known(
    table: Mapping[str, object], kind: type[msgspec.Struct], where: str, problems: list[str]
) -> Iterator[tuple[str, object]]:
    """Yield the usable settings of a table; list the others in `problems`."""
    fields = {each.name: each for each in msgspec.structs.fields(kind)}
    for key, value in table.items():
        if key not in fields:
            close = difflib.get_close_matches(key, fields, n=1)
            hint = f'did you mean "{close[0]}"?' if close else f"the settings are {', '.join(fields)}"
            problems.append(f"{where}{key}: there is no such setting; {hint}")
        elif key in {"channels", "servers", "keys"}:
            yield key, value
        else:
            try:
                msgspec.convert(value, fields[key].type)
            except msgspec.ValidationError:
                problems.append(f"{where}{key}: {_shown(value)} cannot be used; {_hint(fields[key].type)}")
            else:
                yield key, value


def _tables(value: object, where: str, problems: list[str]) -> Iterator[tuple[str, dict[str, object]]]:
    if not isinstance(value, dict):
        problems.append(f"{where}: {_shown(value)} cannot be used; write tables, like [{where}.lobby]")
        return
    for name, table in value.items():
        if isinstance(table, dict):
            yield name, table
        else:
            problems.append(f"{where}.{name}: {_shown(table)} cannot be used; write a table, [{where}.{name}]")


def _keys(value: object, where: str, problems: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each action ("messages.report") and its keys; the key table checks whether the action exists."""
    if isinstance(value, dict):
        for name, inner in value.items():
            for what, keys in _keys(inner, f"{where}.{name}", problems):
                yield f"{name}.{what}".rstrip("."), keys
    elif isinstance(value, str):
        yield "", value
    else:
        problems.append(f'{where}: {_shown(value)} cannot be used; write keys in quotes, like "ctrl+x" or "f3,alt+r"')


def _hint(kind: object) -> str:
    """Return what to write for a setting of this type."""
    info = msgspec.inspect.type_info(kind)
    while isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    if isinstance(info, msgspec.inspect.BoolType):
        return "write true or false"
    if isinstance(info, msgspec.inspect.VarTupleType):
        return 'write a list of words in quotes, like ["one", "two"]'
    options = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    values = [f'"{value}"' for each in options if isinstance(each, msgspec.inspect.EnumType) for value in each.cls]
    return f"write {' or '.join(values)}" if values else "write text in quotes"


def _shown(value: object) -> str:
    # Imported late: most configurations have no problem.
    import json

    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"
