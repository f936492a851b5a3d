"""Writes the reference from the code: docs/protocol.md, settings.md, config.md, keys.md, api.md and openapi.json.

`python -m docs.generate` writes the files; with `--check` it lists those that are out of date, and exits with 1.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from inspect import getdoc
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec
from msgspec import inspect

from docs import examples, openapi, tables, texts
from server.protocol import codes, frames
from server.settings import Settings, of_field
from server.settings.barertc import MEANINGLESS
from tui.client.slash_table import HINT
from tui.config import Channel, Config
from tui.fullscreen.keys.keymap import KEYS, Where
from tui.fullscreen.keys.keymap import rows as rows_of
from tui.fullscreen.slash_commands import COMMANDS

HERE = Path(__file__).parent
NOTE = "<!-- Written by `python -m docs.generate`; change the code instead. -->\n"


def main() -> int:
    """Write the pages, or check them with `--check`; return the exit code."""
    pages = {
        "protocol.md": protocol,
        "settings.md": settings,
        "config.md": config,
        "keys.md": keys,
        "api.md": api,
        "openapi.json": openapi.text,
    }
    if "--check" in sys.argv[1:]:
        return _check(pages)
    for name, page in pages.items():
        (HERE / name).write_text(page(), encoding="utf-8")
    return 0


def _check(pages: dict[str, Callable[[], str]]) -> int:
    stale = [name for name, page in pages.items() if (HERE / name).read_text(encoding="utf-8") != page()]
    for name in stale:
        print(f"docs/{name} is out of date; run: python -m docs.generate")
    return 1 if stale else 0


def api() -> str:
    """Return the page about the calls of the site."""
    head = ["field", "type", "default", "meaning"]
    parts = [NOTE, texts.API_HEAD]
    shown: set[type[msgspec.Struct]] = set()
    for path, summary, sent, answered in openapi.calls():
        parts.append(f"## `{path}`\n\n{summary}\n")
        if sent:
            parts += [f"**Body.** {getdoc(sent)}\n", tables.table(head, tables.rows(tables.fields_of(sent)))]
        rows = tables.rows(tables.fields_of(answered))
        if answer := [row for row in rows if not sent or row[0] not in {"`OK`", "`Error`"}]:
            besides = " Its fields besides `OK` and `Error`:" if sent else ""
            parts += [f"**Answer.** {getdoc(answered)}{besides}\n", tables.table(head, answer)]
        shown |= {kind for kind in (sent, answered) if kind}
    parts.append("## Types\n")
    parts += map(_frame, sorted(tables.inner_kinds(shown), key=lambda kind: kind.__name__))
    return "\n".join(parts)


def protocol() -> str:
    """Return the page about the protocol."""
    sent, received = examples.of_clients(), examples.of_servers()
    parts = [
        NOTE,
        texts.INTRODUCTION,
        tables.table(["status", "meaning"], texts.REFUSALS),
        texts.CONVERSATION,
        texts.LOGIN,
        "## What a client sends\n",
        *(_frame(kind, sent[kind]) for kind in get_args(frames.ClientFrame)),
        "## What the server sends\n",
        *(_frame(kind, received[kind]) for kind in get_args(frames.ServerFrame)),
        "## Types within frames\n",
        *map(_frame, tables.inner_kinds([*sent, *received])),
        "## Status of a report\n",
        tables.table(["status", "meaning"], ([f"`{state}`", text] for state, text in codes.REPORT_MEANINGS.items())),
        "## Error codes\n",
        "The connection stays open, unless the table says otherwise or `disconnect` follows.\n",
        tables.table(["code", "meaning"], ([f"`{code}`", text] for code, text in codes.ERROR_MEANINGS.items())),
        "## Close codes\n",
        tables.table(["code", "meaning", "reconnect"], _close_rows()),
    ]
    return "\n".join(parts)


def settings() -> str:
    """Return the page about the settings file."""
    single = [field for field in tables.fields_of(Settings) if not _toml_table(field)]
    parts = [NOTE, texts.SETTINGS, _server_options(single)]
    for field in tables.fields_of(Settings):
        if table := _toml_table(field):
            parts += [
                f"## `{table.heading}`\n",
                f"{getdoc(table.kind)}\n",
                _server_options(tables.fields_of(table.kind)),
            ]
    parts += [
        texts.FOREIGN,
        tables.table(["key", "why"], ([f"`{key}`", f"{why[0].upper()}{why[1:]}."] for key, why in MEANINGLESS.items())),
    ]
    return "\n".join(parts)


class _TomlTable(NamedTuple):
    heading: str
    kind: type[msgspec.Struct]


def _toml_table(field: inspect.Field) -> _TomlTable | None:
    """Return the table of the settings file that holds this field, or None."""
    kind = field.type
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.VarTupleType) and isinstance(kind.item_type, inspect.StructType):
        return _TomlTable(f"[[{field.encode_name}]]", kind.item_type.cls)
    return _TomlTable(f"[{field.encode_name}]", kind.cls) if isinstance(kind, inspect.StructType) else None


def config() -> str:
    """Return the page about the configuration of the client."""
    rows = [[f"`{key.id}`", _key_names(key.keys.replace(",", " or ")), key.help] for key in KEYS]
    parts = [
        NOTE,
        texts.CONFIG,
        _options(tables.fields_of(Config)),
        "## `[channels.ID]`\n",
        '`ID` is the ID of a channel, or `"@name"` for a conversation. For one server, the table is\n'
        '`[servers."wss://chat.example/ws".channels.ID]`; `/notices` and the settings screen write there.\n',
        _options(tables.fields_of(Channel)),
        texts.OWN_KEYS,
        tables.table(["name", "keys", "what it does"], rows),
    ]
    return "\n".join(parts)


def keys() -> str:
    """Return the page about keys and commands of the client."""
    parts = [NOTE, texts.KEYS_HEAD]
    for where in Where:
        rows = [[_key_names(names), meaning] for names, meaning in rows_of(where)]
        parts += [f"## {where.value}\n", tables.table(["key", "what it does"], rows)]
    parts += ["## Commands\n", f"Type them in the composer; Tab completes them. {HINT}\n"]
    commands = [[f"`{each.usage}`", each.help] for each in COMMANDS]
    parts.append(tables.table(["command", "what it does"], commands))
    return "\n".join(parts)


def _key_names(names: str) -> str:
    return " ".join(name if name in {"or", "to"} else f"`{name}`" for name in names.split())


def _close_rows() -> Iterable[Sequence[str]]:
    for code, (meaning, again) in codes.CLOSE_MEANINGS.items():
        yield [str(int(code)), meaning, "yes" if again else "no"]


def _frame(kind: type[msgspec.Struct], example: str = "") -> str:
    tag = kind.__struct_config__.tag
    text = f"### {f'`{tag}`' if tag else kind.__name__}\n\n{getdoc(kind) or ''}\n"
    if example:
        text += f"\n```json\n{example}\n```\n"
    rows = tables.rows(tables.fields_of(kind))
    return f"{text}\n{tables.table(['field', 'type', 'default', 'meaning'], rows)}" if rows else text


def _options(fields: Sequence[inspect.Field]) -> str:
    return tables.table(["key", "type", "default", "meaning"], tables.rows(fields))


def _server_options(fields: Sequence[inspect.Field]) -> str:
    """Return a table of settings of the server, which also says when a change applies."""
    rows = [[*row, str(of_field(field))] for row, field in zip(tables.rows(fields), fields, strict=True)]
    return tables.table(["key", "type", "default", "meaning", "applies"], rows)


if __name__ == "__main__":
    sys.exit(main())
