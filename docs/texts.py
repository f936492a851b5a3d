"""The parts of the generated pages that are written by hand."""

from server.settings import KEY_VARIABLE
from tui.config import VARIABLE

REFUSALS = [
    [
        "400, 405, 411, 413, 414, 426, 431",
        "The request is not a valid websocket handshake, is too long, or has a body.",
    ],
    ["403", "The `Origin` is not in `AllowedOrigins`. Only browsers send one."],
    ["404", "The path is not `/ws`, or the request does not ask for a websocket."],
    ["408", "The request was not complete within 10 s."],
    [
        "421",
        "Only for requests that are not handshakes: the server does not know the name by which it was called; see"
        " `AllowedHosts`.",
    ],
    [
        "429",
        "The address has too many connections, or recently opened too many, or sent too many requests; `Retry-After` is"
        " the number of seconds to wait.",
    ],
]

INTRODUCTION = """\
# The protocol

A client opens one websocket at `/ws`. Each frame is a JSON object in a text message; `action` names its kind. Both
sides may leave out fields that have their default value, so read a missing field as its default: an `echo` without
messages is `{"action":"echo"}`. Unknown fields are ignored; a value of the wrong type is an error. Actions and fields
that BareRTC also has are named as there.

## Before the websocket

The server may refuse the handshake with an HTTP status and (except with 408) one line of text:
"""

CONVERSATION = """\
The login must arrive within 10 s of the handshake. All frames, including fragments and control frames, count against
`BytesPerSecond` with their size (if compressed, with both sizes) plus 512 bytes; beyond the limit, the server reads
them later.

## The order of frames

1. The server sends `welcome`.
2. The client sends `login`.
3. The server sends `me`; then `welcome` again (to VIPs and operators, if there are VIP channels), `relations` (if you
   muted or blocked anyone) and `who` (further ones while `more` is true).
4. The server sends `echo`: the client is now up to date. `places` follows (if there are messages anywhere), then the
   welcome messages of the channels (as `error` with code `notice`; not with `since`) and `reports` (if there are any).
5. From then on, the server sends live messages and their changes. Between `echo` and the first live message, nothing
   is repeated or left out. Other live frames, such as `presence` and `typing`, can arrive from step 3 on.

Read your own name from `me`: if someone else has the name, you get another one, such as `ada 2`. Names that look alike
count as the same. A name stays reserved for the person who used it last (`ReservedDays`), if that person can return:
log in with `prove` to keep yours. If you got another name because yours is reserved, or looks like someone else's, a
`notice` after `me` says so.

## Resume after a lost connection

Remember `welcome.epoch` and the highest `msgID` of all `message` and `echo` frames. `msgID` grows over the whole room,
with gaps, so one number covers all channels.

- Log in with `since: {epoch, msgID}` as the same person. `echo` holds what you missed, at most 500 messages and
  192 KiB.
- If `echo.recovered` is false, some are missing: request the `history` of each channel and conversation until a page
  reaches the `msgID` of `since`.
- If `welcome.epoch` is not the one you remember, the server started a new numbering: forget the `msgID` and all
  messages.

`takenBack`, `reacted` and `edited` of `echo` are changes to messages that you already have.

## Nonces: resend without duplicates

A `message` that is sent again within 24 hours with the same nonce, channel and text counts once, even after the server
was killed: you receive the stored message. (For direct messages that are not kept: within an hour, while the server
runs.) So after you reconnect, resend what was not answered. The same applies to a `report` with the same content. A
repeated `withdraw`, or `edit` to the same text, is harmless; a repeated command of an operator runs again.

A nonce belongs to a person (their identity), on all their connections. Make each nonce from at least 64 random bits,
and use it once: a counter that restarts with the program is not unique. A nonce that you used for another message or
report within 24 hours is refused with `nonce-used`; send the message with a new one. Nonces of other requests
(`history`, `search`, `reports`, `profile`) only match answers to requests.

An `error` has the nonce of the frame that it answers. `takeback`, `react`, `typing`, `read`, `me`, `mute`, `unmute`,
`block`, `unblock` and `blocklist` have no nonce, so an error about them does not say which one failed. The answer to a
successful `takeback`, `react` or `edit` is the frame that everyone receives. (If you muted the author, there is none.)

## What is unread

After each login, `places` lists the channels and the latest 200 conversations that have messages: the last message, how
far you have read, how many messages of others follow, and in channels how many of those mention you. Messages from
before your first login count as read. Send `read` with the last message that was on the screen, at most every few
seconds. The server stores your highest number, and sends it to your other connected clients. `places`
leaves out conversations that you marked as `closed`, until a later message arrives. It also leaves out conversations
with people whom you have muted, or if one of you has blocked the other.

## Page through older messages

`history` returns a page, oldest first. For the next older page, send `beforeID` = `msgID` of the page's first message;
stop at `more: false`. For newer messages, send `afterID` = `msgID` of the page's last message. With both bounds you can
fill a gap from either edge. To show a message with its surroundings, send one request with `beforeID` = its `msgID` +
1, and one with `afterID` = its `msgID`. A page can be shorter than `limit`, because it has at most 192 KiB.

`search` returns the latest messages first, so the next `beforeID` is the `msgID` of the last one. A search without long
words, or with many candidates, can end early: `searchedTo` is the lowest number that it reached; continue with it as
`beforeID`. `before:` and `after:` count days by `utcOffset`: `after:` includes its day, `before:` does not.

## How fast to send

You may send `MessagesBurst` messages at once (10 by default) and `MessagesPerSecond` on average. Edits, deletions,
reactions, statuses, mutes, blocks (and ending these), reports and withdrawals count as messages. Faster ones are
delayed in order for up to 5 s; beyond that, they are refused with `too-fast`. While messages wait, the server reads
nothing more from you, so a refusal can arrive seconds after the message, and messages after it may still be accepted.
To keep the order, send each message once the one before is answered. Reads (`history`, `search`, `reports`, `read`),
profiles, and what you store in a day have [limits of their own](settings.md#limits).

The recipient gets at most one `typing` every 2 s from you, and none if they refuse your messages or have muted you, or
if you are a hidden operator.

## Mentions and pings

A mention is the name as a word in the text, with or without `@`, whatever its case and width, but not within an address
such as `me@ada.example`; nothing in the frame marks it. The server sends a websocket ping every 20 s, which websocket
libraries answer by themselves. The frame `ping` is for clients that want to know whether the server answers.
"""

LOGIN = """\
## Log in as the same person

To log in as a new person each time, send `login` with only a name. To be the same person at the next login, with your
reports, conversations and name, store a secret of 32 random bytes. The exchange follows SCRAM-SHA-256 (RFC 5802,
RFC 7677), with that secret in place of the salted password. In frames, bytes are encoded in base64.

```python
def mac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


client_key = mac(secret, b"client")
stored_key = hashlib.sha256(client_key).digest()
server_key = mac(secret, b"server")

# The first login: {"enrol": {"storedKey": stored_key, "serverKey": server_key}}; after `me`, store
identity = mac(stored_key, b"identity:" + welcome["challenge"].encode()).hex()[:32]

# Later logins, each with a new nonce: {"prove": {"identity": ..., "clientNonce": nonce, "proof": proof}}
parts = ["flagpost login 1", welcome["server"], welcome["challenge"], nonce, username]
signed = b"".join(b"%d:%b," % (len(part), part) for part in map(str.encode, parts))
proof = bytes(a ^ b for a, b in zip(client_key, mac(stored_key, signed)))
expected = mac(server_key, signed)
```

The `me` that answers `prove` has the server's own `proof`. If that is not `expected`, someone poses as the server:
close the connection and send nothing more. Use a separate secret for each server (`welcome.server`) at each address.
After `unknown-identity`, enrol with a new secret, because a proof and the stored key together reveal the client key.
[How the login works](explanation/login.md) says what this protects against.
"""

SETTINGS = f"""\
# Settings

The server reads `settings.toml` in the working directory, or the file given with `--settings`; without a file it uses
the defaults. If a setting cannot be used, the server does not start: it ends with exit code 2 and one line that names
the key, or the place where the file is not TOML. `{KEY_VARIABLE}` in the environment overrides `AdminAPIKey`. The
client reads a settings file only if you pass it with `--settings`; otherwise a server that it starts uses neither the
file nor the key.

## When a change applies

[`flagpost-server reload`](operate.md#change-settings-while-the-server-runs) applies a changed file while the server
runs. Only a change of `Enabled` or `SecretKey` in `[JWT]` closes connections, namely those of members. The last column
says when a change applies: `now`, to `new connections`, or after a `restart`, which the log then asks for. Turning
`[TLS]` on or off needs a restart. If you reduce a number of days, older data is deleted within an hour.

## All settings
"""

FOREIGN = """\
## BareRTC's settings file

It works unchanged; [Moving from BareRTC](barertc.md) has the steps. A file with `Version` is treated as BareRTC's: keys
match regardless of case, unknown keys and webhooks are ignored with a warning, values that are too long or too large
are reduced with a warning, direct messages are kept only with `[DirectMessageHistory] Enabled = true`, and
`MessageFormat` is "html" by default. `flagpost-server doctor` explains the file key by key. If a key decides who may
read or write what, and the server cannot apply it, the server does not start. These keys have no meaning in a terminal,
and are ignored in any file:
"""

CONFIG = f"""\
# Configuration of the client

The client reads `config.toml` in the folder `flagpost` where your platform stores configurations (`~/.config` on
Linux). The settings screen (`f2`) shows the path and changes the file. `{VARIABLE}` in the environment names
another file. If the file cannot be read, or is not a regular one, the client does not start. Each mistake in the file
is reported at startup in one line; everything else still applies, but if the file is not TOML or not UTF-8, only the
defaults do. (Line mode uses only `name` and `server`, and reports no mistakes.) Comments, unknown keys and line ends
are preserved.

Without the file, and without a URL, `--name`, `--demo` or a sign-in link, the first start asks for name and server.
Both are saved after the first successful login, except a URL that contains a password or a query. Unsent messages,
drafts, login secrets and your own server's database are [in other folders](plain.md#what-the-client-reads-and-stores).
"""

OWN_KEYS = """\
## `[keys]`

Assign other keys to an action by its name below: `messages.report = "f7"`, or several keys, separated by commas. Keys
have Textual's names, such as `ctrl+x`, `alt+up`, `f3`, or `slash` for `/`; a letter or digit is its own name. An
unknown action or key, and a key that another action already has where both apply, are rejected with a message at
startup.
"""


API_HEAD = """\
# The site's API

Your site and bots can make these calls to the server's port. All except `reports` and `report/status` are BareRTC's. An
[OpenAPI document](openapi.json) describes them as well.

- `POST` with exactly the Content-Type `application/json`, and a Content-Length of at most 64 KiB. (`report/status`
  takes any Content-Type; `statistics` any method, without a body.)
- Keys match regardless of case, missing and null fields count as empty, and unknown ones are ignored.
- A call with `APIKey` needs [`AdminAPIKey`](settings.md); one with `JWTToken` needs a valid token of a member.
  `message/history` and `message/usernames` also need the member to be in the room.
- Every answer is JSON with `OK`, and with `Error` if `OK` is false; only that of `statistics` has neither. The status
  is 400 for a method, Content-Type, body or token that is not valid, or a member who has to be in the room and is not
  (401 for a token in `amend-jwt`, 405 for a method of `report/status`), 401 for a missing or wrong key (403 in
  `report/status` and `statistics`), 404 for a person, report or call that is not found, 411 for a chunked body, 413
  for one that is too long, 421 for an unknown name of the server, 429 with `Retry-After` for too many requests or wrong
  keys, 500 if a member has no conversations or a profile is not available, and 503 if the storage is unavailable or the
  webhook `report` is disabled.
- Each address may send [`RequestsPerMinute`](settings.md#limits) requests; add your site's address to
  `ExemptAddresses`.
- The server must know the name by which you call it: add the name to `AllowedHosts`.
"""

KEYS_HEAD = """\
# Keys and commands

The footer shows the most useful keys for the current context. [You can assign other keys](config.md#keys).
"""
