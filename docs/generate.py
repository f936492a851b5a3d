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

from docs import examples, openapi
from server.protocol import codes, frames
from server.settings import (
    KEY_VARIABLE,
    Secret,
    Settings,
    SigningSecrets,
    of_field,
)
from server.settings.barertc import MEANINGLESS
from tui.client.slash_table import HINT
from tui.config import VARIABLE, Channel, Config
from tui.fullscreen.keys.keymap import KEYS, Where
from tui.fullscreen.keys.keymap import rows as rows_of
from tui.fullscreen.slash_commands import COMMANDS

HERE = Path(__file__).parent
NOTE = "<!-- Written by `python -m docs.generate`; change the code instead. -->\n"
UNBOUNDED = 2**63 - 1

REFUSALS = [
    ["400, 405, 411, 413, 414, 426, 431", "The request is not a websocket handshake, is too long, or has a body."],
    ["403", "The `Origin` is not in `AllowedOrigins`. Only browsers send one."],
    ["404", "The path is not `/ws`."],
    ["408", "The request was not complete within 10 s."],
    [
        "421",
        "A request other than a websocket handshake, `/healthz` or `/readyz` calls the server by a name that it does"
        " not know; see `AllowedHosts`.",
    ],
    [
        "429",
        "The address has too many connections, opened too many, or sent too many requests; `Retry-After` says in how"
        " many seconds to try again.",
    ],
]

INTRODUCTION = """\
# The protocol

A client opens one websocket at `/ws`. Each frame is a JSON object in a text message, and `action` says which frame it
is. Both sides may leave out fields that have their default: an `echo` without messages is `{"action":"echo"}`, so read
a missing field as its default. Unknown fields are ignored; a wrong type is an error. Names and actions are BareRTC's
where BareRTC has them.

## Before the websocket

The server may refuse the handshake with an HTTP status and one line of text:
"""

CONVERSATION = """\
A login must arrive within 10 s of the handshake. Frames of all kinds, fragments and control frames included, count
against `BytesPerSecond` with 512 bytes more than they have; beyond the limit they are read later.

## The order of frames

1. The server sends `welcome`.
2. The client sends `login`.
3. The server sends `me`; then `relations` (if you muted or blocked anyone) and `who` (several, while `more` is true).
4. The server sends `echo`: the client is now up to date. Then come `places` (if there are messages anywhere), the
   welcome messages of the channels (as `error` with code `notice`; not with `since`) and `reports` (if there are any).
5. From here on, live frames. Nothing is delivered twice or left out between `echo` and the first live message.

Take your own name from `me`: if somebody else has the name, you get another one, such as `ada 2`. A name stays reserved
for the person who used it last (`ReservedDays`), if that person can return: log in with `prove` to keep yours. A name
that looks like that of somebody else counts as the same. For a name that is reserved or looks like another, a `notice`
after `me` says so.

## Resume after a lost connection

Remember `welcome.epoch` and the highest `msgID` of all `message` and `echo` frames. `msgID` grows over the whole room,
with gaps, so one number covers all channels.

- Log in with `since: {epoch, msgID}` as the same person. `echo` holds what you missed, at most 500 messages.
- If `echo.recovered` is false, some are missing: request the `history` of each channel and conversation until a page
  reaches the `msgID` of `since`.
- If `welcome.epoch` is not the one you remember, the server started a new numbering: forget the `msgID` and all
  messages.

`takenBack`, `reacted` and `edited` of `echo` are changes to messages that you had already.

## Nonces: resend without duplicates

A `message` that is sent again within 24 hours with the same nonce, channel and text counts once, even after the server
was killed: you get the stored message back. So after a reconnect, resend what was not answered. The same applies to a
`report` with the same content. A repeated `withdraw` is harmless; a repeated `edit` counts as another edit.

Nonces belong to a person (their identity), on all their connections. Make each one from at least 64 random bits, and
use it once: a counter that restarts with the program is not unique. A nonce that you used for another message or report
within 24 hours is refused with `nonce-used`; send the message with a new one. Nonces of other requests (`history`,
`search`, `reports`, `profile`) only match answers to requests.

An `error` carries the nonce of the frame that it answers. `takeback`, `react`, `typing`, `read`, `me`, `mute`,
`unmute`, `block` and `unblock` have no nonce, so an error about them does not say which one failed. The answer to a
successful `takeback`, `react` or `edit` is the frame that everyone receives.

## What is unread

After each login, `places` lists the channels and the latest 200 conversations that have messages: the last message,
how far you have read, how many messages of others follow, and in channels how many of those name you. Messages from
before your first login count as read. Send `read` with the last message that was on the screen, at most every few
seconds. The server stores the highest number for you, and sends it to your other connected clients. With `closed`, a
conversation is left out of `places` until it has a later message.

## Page through older messages

`history` returns a page, oldest first. For the next older page, send `beforeID` = `msgID` of the page's first message;
stop at `more: false`. For newer messages, send `afterID` = `msgID` of the page's last message. With both bounds you
fill a gap from either edge. To show a message with its surroundings, request `beforeID` = its `msgID` + 1, and
`afterID` = its `msgID`. A page can be shorter than `limit`.

`search` returns the latest messages first, so the next `beforeID` is the `msgID` of the last one. A search without long
words, or with many candidates, ends early: `searchedTo` is the lowest number that it reached. Continue with it as
`beforeID`. `before:` and `after:` count days by `utcOffset`: `after:` includes its day, `before:` does not.

## How fast to send

You may send `MessagesBurst` messages at once (10 by default) and `MessagesPerSecond` in the long run. What comes
faster waits for up to 5 s, in order, and is then refused with `too-fast`. While messages wait, the server reads
nothing more from you, so a refusal can arrive seconds after the message, and messages behind it may still be accepted.
To keep the order, send the next message once the one before was answered. `typing` needs no repeats: the recipient gets
at most one every 2 s from you, and none if they refuse your messages.

## Mentions and pings

A mention is the name as a word in the text, with or without `@`, in any case and width; nothing in the frame marks it.
The server sends a websocket ping every 20 s, which websocket libraries answer by themselves. The frame `ping` is for
clients that want to know whether the server answers.
"""

LOGIN = """\
## Log in as the same person

To log in as a new person each time, send `login` with only a name. To be the same person at the next login, with your
reports, conversations and name, keep a secret of 32 random bytes. The exchange is SCRAM-SHA-256 (RFC 5802, RFC 7677)
with that secret as the password, so without salt and iterations. Bytes are encoded in base64.

```python
def mac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


client_key = mac(secret, b"client")
stored_key = hashlib.sha256(client_key).digest()
server_key = mac(secret, b"server")

# The first login: {"enrol": {"storedKey": stored_key, "serverKey": server_key}}; after `me`, keep
identity = mac(stored_key, b"identity:" + welcome["challenge"].encode()).hex()[:32]

# Later logins, each with a new nonce: {"prove": {"identity": ..., "clientNonce": nonce, "proof": proof}}
parts = ["flagpost login 1", welcome["server"], welcome["challenge"], nonce, username]
signed = b"".join(b"%d:%b," % (len(part), part) for part in map(str.encode, parts))
proof = bytes(a ^ b for a, b in zip(client_key, mac(stored_key, signed)))
expected = mac(server_key, signed)
```

The `me` that answers `prove` has the server's own `proof`. If that is not `expected`, somebody poses as the server:
close the connection and send nothing more. Keep one secret for each server (`welcome.server`) at each address, and
never use it for another. After `unknown-identity` enrol with a new secret, because a proof and the stored key together
reveal the client key. [How the login works](explanation/login.md) says what this protects against.
"""

SETTINGS = f"""\
# Settings

The server reads `settings.toml` in the working directory, or the file given with `--settings`; without a file it uses
the defaults. A setting that cannot be used stops the server with exit code 2 and one line that names the key.
`{KEY_VARIABLE}` in the environment overrides `AdminAPIKey`. The client reads a settings file only if you pass it with
`--settings`; the server that it starts without one uses neither file nor key.

## When a change applies

[`flagpost-server reload`](operate.md#change-settings-while-the-server-runs) applies a changed file without
disconnecting anyone. The last column says when a change applies: `now`, to everyone; to `new connections`; or after a
`restart`, as the log says. `[TLS]` is turned on and off by a restart. Data that is kept for days is deleted within an
hour.

## All settings
"""

FOREIGN = """\
## BareRTC's settings file

It works unchanged, and [Moving from BareRTC](barertc.md) says how to move. A file with `Version` is BareRTC's: keys
match in any case, unknown keys and webhooks are ignored with a warning, values out of bounds are cut with a warning,
direct messages are kept only with `[DirectMessageHistory] Enabled = true`, and `MessageFormat` is "html" by default.
`flagpost-server doctor` goes through the file key by key. A key that would change who may read or write what, and
cannot be honoured, stops the server. These keys have no meaning in a terminal and are ignored, in any file:
"""

CONFIG = f"""\
# Configuration of the client

The client reads `config.toml` in the folder `flagpost` where your platform keeps configurations (`~/.config` on
Linux). The settings screen (`f2`) shows the path and changes the file. `{VARIABLE}` in the environment names another
regular file; anything else, such as a device, stops the client. Each mistake in the file is reported at startup in one
line; everything else still applies. Comments, unknown keys and line ends are preserved.

Without the file, and without a URL, `--name` or `--demo`, the first start asks for name and server. Both are saved
after the first successful login, except a URL that contains a password or a query. Unsent messages, drafts, login
secrets and your own server's database are [in other folders](plain.md#what-the-client-reads-and-stores).
"""

OWN_KEYS = """\
## `[keys]`

Assign other keys to an action by its name below: `messages.report = "f7"`, or several keys, separated by commas. Keys
have Textual's names, such as `ctrl+x`, `alt+up`, `f3` or `slash`; a letter or digit stands for itself. Keys that are
already taken in the same place are rejected with a message at startup.
"""


API_HEAD = """\
# The site's API

Calls to the server's port, for your site and for bots. All but `reports` and `report/status` are BareRTC's. The same is
available as an [OpenAPI document](openapi.json).

- `POST` with exactly the Content-Type `application/json`, and a Content-Length of at most 64 KiB. (`report/status`
  takes any Content-Type; `statistics` any method, without a body.)
- Keys match in any case, missing and null fields are empty, unknown ones are ignored.
- A call with `APIKey` needs [`AdminAPIKey`](settings.md); one with `JWTToken` needs a valid token of a member.
  `message/history` and `message/usernames` also need the member to be in the room.
- Every answer is JSON with `OK`, and `Error` if it is false. The status is 400 for a body or token that is not valid,
  401 for a wrong key, 429 with `Retry-After` for too many requests, 503 if the storage is unavailable.
- Each address may send [`RequestsPerMinute`](settings.md); add that of your site to `ExemptAddresses`.

`flagpost-server` must know the name by which it is called: add it to `AllowedHosts`.
"""

KEYS_HEAD = """\
# Keys and commands

The footer shows the most useful keys for the current context. Keys have Textual's names here: `slash` is `/`,
`question_mark` is `?`. [You can assign others](config.md#keys).
"""


def main() -> int:
    """Return the exit code."""
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
    parts = [NOTE, API_HEAD]
    shown: set[type[msgspec.Struct]] = set()
    for path, summary, sent, answered in openapi.calls():
        parts.append(f"## `{path}`\n\n{summary}\n")
        if sent:
            parts.append(_table(head, _rows(_fields(sent))))
        answer = [row for row in _rows(_fields(answered)) if row[0] not in {"`OK`", "`Error`"}]
        if answer:
            parts.append(f"The answer also has:\n\n{_table(head, answer)}" if sent else _table(head, answer))
        shown |= {kind for kind in (sent, answered) if kind}
    parts.append("## Types\n")
    parts += [_frame(kind) for kind in openapi.inner_kinds(shown)]
    return "\n".join(parts).replace("see settings.toml", "`{}`")


def protocol() -> str:
    """Return the page about the protocol."""
    sent, received = examples.of_clients(), examples.of_servers()
    parts = [
        NOTE,
        INTRODUCTION,
        _table(["status", "meaning"], REFUSALS),
        CONVERSATION,
        LOGIN,
        "## What a client sends\n",
        *(_frame(kind, sent[kind]) for kind in get_args(frames.ClientFrame)),
        "## What the server sends\n",
        *(_frame(kind, received[kind]) for kind in get_args(frames.ServerFrame)),
        "## Types within frames\n",
        *map(_frame, _inner_kinds([*sent, *received])),
        "## Status of a report\n",
        _table(["status", "meaning"], ([f"`{state}`", text] for state, text in codes.REPORT_MEANINGS.items())),
        "## Error codes\n",
        "The connection stays open after each of these.\n",
        _table(["code", "meaning"], ([f"`{code}`", text] for code, text in codes.ERROR_MEANINGS.items())),
        "## Close codes\n",
        _table(["code", "meaning", "reconnect"], _close_rows()),
    ]
    return "\n".join(parts)


def settings() -> str:
    """Return the page about the settings file."""
    single = [field for field in _fields(Settings) if not _toml_table(field)]
    parts = [NOTE, SETTINGS, _server_options(single)]
    for field in _fields(Settings):
        if table := _toml_table(field):
            parts += [f"## `{table.heading}`\n", f"{getdoc(table.kind)}\n", _server_options(_fields(table.kind))]
    parts += [FOREIGN, _table(["key", "why"], ([f"`{key}`", f"{why}."] for key, why in MEANINGLESS.items()))]
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
        CONFIG,
        _options(_fields(Config)),
        "## `[channels.ID]`\n",
        '`ID` is the ID of a channel, or `"@name"` for a conversation. For one server, the table is\n'
        '`[servers."wss://chat.example/ws".channels.ID]`; `/notices` and the settings screen write there.\n',
        _options(_fields(Channel)),
        OWN_KEYS,
        _table(["name", "keys", "what it does"], rows),
    ]
    return "\n".join(parts)


def keys() -> str:
    """Return the page about keys and commands of the client."""
    parts = [NOTE, KEYS_HEAD]
    for where in Where:
        rows = [[_key_names(names), meaning] for names, meaning in rows_of(where)]
        parts += [f"## {where.value}\n", _table(["key", "what it does"], rows)]
    parts += ["## Commands\n", f"Type them in the composer; Tab completes them. {HINT}\n"]
    commands = [[f"`{each.usage}`", each.help] for each in COMMANDS]
    parts.append(_table(["command", "what it does"], commands))
    return "\n".join(parts)


def _key_names(names: str) -> str:
    return " ".join(name if name in {"or", "to"} else f"`{name}`" for name in names.split())


def _close_rows() -> Iterable[Sequence[str]]:
    for code, (meaning, again) in codes.CLOSE_MEANINGS.items():
        yield [str(int(code)), meaning, "yes" if again else "no"]


def _inner_kinds(kinds: Iterable[type[msgspec.Struct]]) -> list[type[msgspec.Struct]]:
    """Return the types that these frames use, at any depth, in the order in which they first appear."""
    found: dict[type[msgspec.Struct], None] = {}

    def look(kind: inspect.Type) -> None:
        match kind:
            case inspect.StructType(cls=cls, fields=fields, tag=tag):
                if not tag and cls not in found:
                    found[cls] = None
                    for field in fields:
                        look(field.type)
            case inspect.UnionType(types=types):
                for each in types:
                    look(each)
            case (
                inspect.Metadata(type=inner) | inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner)
            ):
                look(inner)

    for kind in kinds:
        for field in _fields(kind):
            look(field.type)
    return list(found)


def _frame(kind: type[msgspec.Struct], example: str = "") -> str:
    tag = kind.__struct_config__.tag
    text = f"### {f'`{tag}`' if tag else kind.__name__}\n\n{getdoc(kind) or ''}\n"
    if example:
        text += f"\n```json\n{example}\n```\n"
    rows = _rows(_fields(kind))
    return f"{text}\n{_table(['field', 'type', 'default', 'meaning'], rows)}" if rows else text


def _options(fields: Sequence[inspect.Field]) -> str:
    return _table(["key", "type", "default", "meaning"], _rows(fields))


def _server_options(fields: Sequence[inspect.Field]) -> str:
    """Return a table of settings of the server, which also says when a change applies."""
    rows = [[*row, str(of_field(field))] for row, field in zip(_rows(fields), fields, strict=True)]
    return _table(["key", "type", "default", "meaning", "applies"], rows)


def _rows(fields: Sequence[inspect.Field]) -> list[Sequence[str]]:
    return [[f"`{field.encode_name}`", _type(field.type), _default(field), _meaning(field.type)] for field in fields]


def _fields(kind: type[msgspec.Struct]) -> Sequence[inspect.Field]:
    info = inspect.type_info(kind)
    return info.fields if isinstance(info, inspect.StructType) else ()


def _type(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata(type=inner):
            return _type(inner)
        case inspect.UnionType(types=types):
            return " or ".join(_type(each) for each in types)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            bound = f"up to {kind.max_length}: " if kind.max_length is not None else ""
            return f"list of {bound}{_type(item)}"
        case inspect.StructType(cls=cls, tag=tag):
            return f"`{tag}`" if tag else cls.__name__
        case inspect.DateTimeType():
            return "RFC 3339, UTC"
    return _bounded(kind) or {
        "StrType": "text",
        "IntType": "number",
        "FloatType": "number",
        "BoolType": "true or false",
        "NoneType": "null",
        "BytesType": "32 bytes in base64",
        "DictType": "table",
    }.get(type(kind).__name__, "text")


def _bounded(kind: inspect.Type) -> str:
    """Return the type of a text or number with its bounds; "" if it has none."""
    match kind:
        case inspect.StrType(min_length=int(least), max_length=int(longest)):
            return f"text, {least} to {longest} characters"
        case inspect.StrType(max_length=int(longest)):
            return f"text, at most {longest}"
        case inspect.IntType(ge=int(least), le=int(most)) if most < UNBOUNDED:
            return f"number, {least} to {most}"
        case inspect.IntType(ge=int(least)):
            return f"number, at least {least}"
        case inspect.FloatType(ge=bound) if bound is not None:
            return f"number, at least {bound:g}"
    return ""


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
        return "required" if field.required else "left out"
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
