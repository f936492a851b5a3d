"""Writes the reference that code knows: docs/protocol.md, settings.md, config.md and keys.md.

`python -m docs.generate` writes the files; with `--check` it only says which of them are not up to date, and exits 1.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import get_args

import msgspec
from msgspec import inspect

from server.protocol import codes, frames
from server.settings import (
    BARERTC_ONLY,
    KEY_VARIABLE,
    TLS,
    Log,
    PublicChannel,
    RoomLimits,
    Secret,
    Settings,
    SigningSecrets,
    WebhookSecurity,
    WebhookURL,
)
from tui.config import VARIABLE, Channel, Config
from tui.fullscreen.commands import COMMANDS, HINT
from tui.fullscreen.keys.keymap import KEYS, Where
from tui.fullscreen.keys.keymap import rows as rows_of

HERE = Path(__file__).parent
REFUSALS = [
    ["400, 405, 411, 413, 414, 426, 431", "This is no websocket handshake, is too long, or has a body."],
    ["403", "The web page that asks is not in `AllowedOrigins`. Clients that are no browser send no `Origin`."],
    ["404", "The path is not `/ws`."],
    [
        "429",
        "This address has too many connections, or opened too many; `Retry-After` says in how many seconds to retry.",
    ],
]
NOTE = "<!-- Written by `python -m docs.generate`; change the code instead. -->\n"


LOGIN = """\
## Log in as the same person

A client that only wants to talk sends `login` with a name. One that wants to be the same person at its next login keeps
a secret of 32 random bytes. This is SCRAM-SHA-256 (RFC 5802, RFC 7677) with that secret as the password, so without
salt and iterations; bytes travel in base64.

```python
def mac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


client_key = mac(secret, b"client")
stored_key = hashlib.sha256(client_key).digest()
server_key = mac(secret, b"server")

# The first login: {"enrol": {"storedKey": stored_key, "serverKey": server_key}}; once `me` is there, keep
identity = mac(stored_key, b"identity:" + welcome["challenge"].encode()).hex()[:32]

# Later ones, each with a nonce of its own: {"prove": {"identity": ..., "clientNonce": nonce, "proof": proof}}
parts = ["flagpost login 1", welcome["server"], welcome["challenge"], nonce, username]
signed = b"".join(b"%d:%b," % (len(part), part) for part in map(str.encode, parts))
proof = bytes(a ^ b for a, b in zip(client_key, mac(stored_key, signed)))
expected = mac(server_key, signed)
```

The `me` that answers `prove` has the server's own `proof`: if that is not `expected`, somebody poses as the server, so
leave, and send nothing more. Keep a secret for each server (`welcome.server`) at each address, and use none for
another. After `unknown-identity` enrol with a fresh secret, because a proof and the stored key together give the client
key away. [How the login works](explanation/login.md) says what that protects from.
"""


def main() -> int:
    """The exit code."""
    pages = {"protocol.md": protocol, "settings.md": settings, "config.md": config, "keys.md": keys}
    if "--check" in sys.argv[1:]:
        return _check(pages)
    for name, page in pages.items():
        (HERE / name).write_text(page(), encoding="utf-8")
    return 0


def _check(pages: dict[str, Callable[[], str]]) -> int:
    stale = [name for name, page in pages.items() if (HERE / name).read_text(encoding="utf-8") != page()]
    for name in stale:
        print(f"docs/{name} is not up to date; run: python -m docs.generate")
    return 1 if stale else 0


def protocol() -> str:
    """The wire."""
    parts = [
        NOTE,
        "# The wire\n",
        "One websocket at `/ws`; each frame is a JSON object in a text message, told apart by `action`. Fields that a",
        "frame does not know are ignored; a wrong type is an error. A field with a default may be left out. Names and",
        "actions are BareRTC's where BareRTC has them. The server speaks first, with `welcome`.\n",
        "## Before the websocket\n",
        "The server may refuse the handshake with an HTTP status and one line of text:\n",
        _table(["status", "meaning"], REFUSALS),
        "A login has to come within 10 s of the handshake. Frames of all kinds, also fragments and control frames,",
        "count against `BytesPerSecond` as 512 bytes more than they have; what is too much is read later.\n",
        LOGIN,
        "## What a client sends\n",
        *(_frame(kind) for kind in get_args(frames.ClientFrame)),
        "## What the server sends\n",
        *(_frame(kind) for kind in get_args(frames.ServerFrame)),
        "## Within frames\n",
        *(_frame(kind) for kind in _inner_kinds()),
        "## Where a report stands\n",
        _table(["status", "meaning"], ([f"`{state}`", text] for state, text in codes.REPORT_MEANINGS.items())),
        "## Error codes\n",
        "The connection lives on after each of these.\n",
        _table(["code", "meaning"], ([f"`{code}`", text] for code, text in codes.ERROR_MEANINGS.items())),
        "## Close codes\n",
        _table(["code", "meaning", "reconnect"], _close_rows()),
    ]
    return "\n".join(parts)


def settings() -> str:
    """The settings file."""
    foreign = [*sorted(BARERTC_ONLY[""]), *(f"PublicChannels.{key}" for key in sorted(BARERTC_ONLY["PublicChannels"]))]
    parts = [
        NOTE,
        "# Settings\n",
        "Read from `settings.toml` in the working directory, or from the file given with `--settings`; without a file",
        "the defaults hold. Whatever cannot be used stops the server with exit code 2 and one line that names the key.",
        f"`{KEY_VARIABLE}` in the environment overrides `AdminAPIKey`. The client reads no `settings.toml` but the one",
        "that is given to it with `--settings`, and the server that it starts without one uses neither file nor key.\n",
        _options(Settings),
        "## `[[PublicChannels]]`\n",
        _options(PublicChannel),
        "## `[[WebhookURLs]]`\n",
        _options(WebhookURL),
        "## `[Limits]`\n",
        _options(RoomLimits),
        "## `[Log]`\n",
        "What people say is never written, and no key or token.\n",
        _options(Log),
        "## `[TLS]`\n",
        _options(TLS),
        "## `[WebhookSecurity]`\n",
        _options(WebhookSecurity),
        "## A settings file of BareRTC\n",
        "It can be used as it is. These keys have no effect here; the server names those that it found, once, at its",
        "start: " + ", ".join(f"`{key}`" for key in foreign) + ".\n",
        "Two of them stop the server where leaving them out would let people in whom the owner keeps out:",
        "`JWT.Enabled` and a channel's `VIP`, when they are true.\n",
    ]
    return "\n".join(parts)


def config() -> str:
    """The configuration of the client."""
    rows = [[f"`{key.id}`", _key_names(key.keys.replace(",", " or ")), key.help] for key in KEYS]
    parts = [
        NOTE,
        "# The client's configuration\n",
        "`config.toml` in the folder `flagpost` where the platform keeps configurations (`~/.config` on Linux); the",
        f"settings (`f2`) show where, and change it. `{VARIABLE}` in the environment names another file. What is wrong",
        "in it is named at the start, each in one line, and all else applies. Comments and unknown keys stay.\n",
        "Without the file, and without a URL, `--name` or `--demo`, the first start asks for name and server. Both are",
        "remembered where one was let in; a URL with a password or a query in it is not.\n",
        _options(Config),
        "## `[channels.ID]`\n",
        '`ID` is a channel\'s, or `"@name"` for a conversation.\n',
        _options(Channel),
        "## `[keys]`\n",
        'Other keys for what a key does, by its name here: `messages.report = "f7"`, or more with a comma between.',
        "Keys have Textual's names, like `ctrl+x`, `alt+up`, `f3`; a character stands for itself. A key that means",
        "something else in the same place is refused, and said so.\n",
        _table(["name", "keys", "what it does"], rows),
    ]
    return "\n".join(parts)


def keys() -> str:
    """The keys and commands of the client."""
    parts = [NOTE, "# Keys and commands\n", "The footer shows the most useful ones of the place where one is.\n"]
    for where in Where:
        rows = [[_key_names(names), meaning] for names, meaning in rows_of(where)]
        parts += [f"## {where.value}\n", _table(["key", "what it does"], rows)]
    parts += ["## Commands\n", f"Written in the composer; Tab completes them. {HINT}\n"]
    commands = [[f"`{command.usage}`", command.help] for command in COMMANDS]
    parts.append(_table(["command", "what it does"], commands))
    return "\n".join(parts)


def _key_names(names: str) -> str:
    return " ".join(name if name in {"or", "to"} else f"`{name}`" for name in names.split())


def _close_rows() -> Iterable[Sequence[str]]:
    for code, (meaning, again) in codes.CLOSE_MEANINGS.items():
        yield [str(int(code)), meaning, "yes" if again else "no"]


def _inner_kinds() -> list[type[msgspec.Struct]]:
    return [
        frames.Since, frames.Enrol, frames.Prove, frames.ChannelEntry, frames.Webhooks, frames.ReportReason,
        frames.Limits, frames.WhoEntry, frames.ReportEntry, frames.Addition, frames.ProfileField,
    ]  # fmt: skip


def _frame(kind: type[msgspec.Struct]) -> str:
    tag = kind.__struct_config__.tag
    text = f"### {f'`{tag}`' if tag else kind.__name__}\n\n{(kind.__doc__ or '').strip()}\n"
    rows = _rows(kind)
    return f"{text}\n{_table(['field', 'type', 'default', 'meaning'], rows)}" if rows else text


def _options(kind: type[msgspec.Struct]) -> str:
    return _table(["key", "type", "default", "meaning"], _rows(kind))


def _rows(kind: type[msgspec.Struct]) -> list[Sequence[str]]:
    info = inspect.type_info(kind)
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    return [[f"`{field.encode_name}`", _type(field.type), _default(field), _meaning(field.type)] for field in fields]


def _type(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata(type=inner):
            return _type(inner)
        case inspect.UnionType(types=types):
            return " or ".join(_type(each) for each in types)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"list of {_type(item)}"
        case inspect.StructType(cls=cls, tag=tag):
            return f"`{tag}`" if tag else cls.__name__
        case inspect.StrType(min_length=int(least), max_length=int(longest)):
            return f"text, {least} to {longest} characters"
        case inspect.StrType(max_length=int(longest)):
            return f"text, at most {longest}"
        case inspect.IntType(ge=int(least), le=int(most)) if most < 2**63 - 1:
            return f"number, {least} to {most}"
        case inspect.DateTimeType():
            return "RFC 3339, UTC"
    return {
        "StrType": "text",
        "IntType": "number",
        "FloatType": "number",
        "BoolType": "true or false",
        "NoneType": "null",
        "BytesType": "32 bytes in base64",
        "DictType": "table",
    }.get(type(kind).__name__, "text")


def _meaning(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        found = str((kind.extra_json_schema or {}).get("description", ""))
        return found or _meaning(kind.type)
    if isinstance(kind, inspect.UnionType):
        return next((text for text in map(_meaning, kind.types) if text), "")
    return ""


def _default(field: inspect.Field) -> str:
    if field.default_factory is dict:
        return "none"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory
    if value is msgspec.NODEFAULT:
        return "required"
    if isinstance(value, Secret | SigningSecrets):
        return '`""`'
    if value is list or value in ((), []):
        return "`[]`"
    if isinstance(value, tuple | msgspec.Struct):
        return "see settings.toml"
    return f"`{msgspec.json.encode(value).decode()}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
