"""Adapts a settings file of BareRTC: keys that mean nothing here, and values that are out of bounds."""

from collections.abc import Iterator
from typing import TypeVar

from server.protocol.characters import is_blank
from server.protocol.frames import MAX_MESSAGE_CHARS
from server.protocol.wording import counted
from server.settings.key_notes import KeyNote, Use
from server.settings.model import MAX_ECHO, MAX_TITLE, MAX_WELCOMING
from server.settings.webhook_tables import WEBHOOK_NAMES

_Key = TypeVar("_Key", str, int)

MARK = "Version"
"""A key in every settings file of BareRTC, and in none of ours."""

MARK_MEANS = (
    "this is a file of BareRTC: unknown keys are ignored, and reports contain HTML unless MessageFormat says otherwise"
)

_NO_IMAGES = "there are no pictures in a terminal"
_NO_CAMERAS = "there are no webcams in a terminal"
_NO_PAGE = "it is for BareRTC's web page"
_NO_RULES = "it is about webcams and pictures"

MEANINGLESS = {
    "Branding": f"{_NO_PAGE}; the name of the room is Title",
    "PermitNSFW": _NO_CAMERAS,
    "RedirectURL": _NO_PAGE,
    "WebSocketReadLimit": "the limit is Limits.FrameBytes",
    "WebSocketSendTimeout": "a client that reads too slowly is disconnected once it has too much unread data",
    "MaxImageWidth": _NO_IMAGES,
    "PreviewImageWidth": _NO_IMAGES,
    "TURN": _NO_CAMERAS,
    "ModerationRule": _NO_RULES,
    "Strings": _NO_RULES,
    "PublicChannels.Icon": _NO_PAGE,
    "PublicChannels.PermitPhotos": _NO_IMAGES,
    "VIP.Name": "the label is always VIP",
    "VIP.Branding": _NO_PAGE,
    "VIP.Icon": _NO_PAGE,
    "DirectMessageHistory.SQLiteDatabase": "all messages are in Database",
}
"""Keys of BareRTC that a chat in a terminal has no use for, and why."""


HOSTS = (
    "set it to the host names that your site uses for this server, including those in links for members:"
    ' ["chat.example"]'
)


def adapt(tables: dict[str, object]) -> Iterator[KeyNote]:
    """Change values that Flagpost cannot use, or reads differently; yield notes for the administrator."""
    yield from _drop_blanks(tables)
    yield from _cut(tables, "Title", "Title", MAX_TITLE)
    if isinstance(direct := tables.get("DirectMessageHistory"), dict):
        yield from _cut(direct, "DisclaimerMessage", "DirectMessageHistory.DisclaimerMessage", MAX_MESSAGE_CHARS)
    for number, each in enumerate(_entries(tables, "MessageFilters")):
        yield from _cut(each, "ChatServerResponse", f"MessageFilters[{number}].ChatServerResponse", MAX_MESSAGE_CHARS)
    for number, channel in enumerate(_entries(tables, "PublicChannels")):
        yield from _adapt_channel(channel, f"PublicChannels[{number}]")
    yield from _limit_welcomes(tables)
    yield from _adapt_webhooks(tables)
    if "AllowedHosts" not in tables:
        yield KeyNote("AllowedHosts", Use.MISSING, HOSTS)
    # BareRTC keeps direct messages only if this is set.
    history = tables.setdefault("DirectMessageHistory", {})
    if isinstance(history, dict):
        history.setdefault("Enabled", False)


def _drop_blanks(tables: dict[str, object]) -> Iterator[KeyNote]:
    """Drop blank texts, which BareRTC allows, so that the defaults apply."""
    for table, place, key in (
        (tables, "", "Title"),
        (tables.get("Logging"), "Logging.", "Directory"),
    ):
        if isinstance(table, dict) and isinstance(value := table.get(key), str) and is_blank(value):
            del table[key]
            yield KeyNote(f"{place}{key}", Use.CHANGED, "blank; the default is used")


def _cut(table: dict[_Key, object], key: _Key, where: str, most: int) -> Iterator[KeyNote]:
    """Cut a text to `most` characters; yield a note if it was longer."""
    text = table.get(key)
    if isinstance(text, str) and len(text) > most:
        table[key] = text[: most - 1] + "…"
        yield KeyNote(where, Use.CHANGED, f"cut to {most} characters")


def _adapt_channel(channel: dict[str, object], where: str) -> Iterator[KeyNote]:
    if is_blank(str(channel.get("Name", ""))):
        channel["Name"] = channel.get("ID", "")
        yield KeyNote(f"{where}.Name", Use.CHANGED, "missing or blank; the ID is used")
    yield from _cut(channel, "Name", f"{where}.Name", MAX_TITLE)
    welcome = channel.get("WelcomeMessages")
    if isinstance(welcome, list):
        texts = {at: text for at, text in enumerate(welcome) if not isinstance(text, str) or not is_blank(text)}
        for at in texts:
            yield from _cut(texts, at, f"{where}.WelcomeMessages[{at}]", MAX_MESSAGE_CHARS)
        channel["WelcomeMessages"] = list(texts.values())
    echo = channel.get("EchoMessagesOnJoin")
    if isinstance(echo, int) and echo < 0:
        channel["EchoMessagesOnJoin"] = 0
    elif isinstance(echo, int) and echo > MAX_ECHO:
        channel["EchoMessagesOnJoin"] = MAX_ECHO
        yield KeyNote(f"{where}.EchoMessagesOnJoin", Use.CHANGED, f"cut to {MAX_ECHO}; users can page back for more")


def _limit_welcomes(tables: dict[str, object]) -> Iterator[KeyNote]:
    """Leave out the welcome messages that exceed the limit for all channels together."""
    left = MAX_WELCOMING
    for number, channel in enumerate(_entries(tables, "PublicChannels")):
        welcome = channel.get("WelcomeMessages")
        if not isinstance(welcome, list):
            continue
        fitting = 0
        while fitting < len(welcome) and len(str(welcome[fitting])) <= left:
            left -= len(str(welcome[fitting]))
            fitting += 1
        if fitting < len(welcome):
            channel["WelcomeMessages"] = welcome[:fitting]
            note = f"cut to {counted(fitting, 'message')}; those of all channels can have {MAX_WELCOMING} characters"
            yield KeyNote(f"PublicChannels[{number}].WelcomeMessages", Use.CHANGED, note)


def _adapt_webhooks(tables: dict[str, object]) -> Iterator[KeyNote]:
    hooks = tables.get("WebhookURLs")
    if not isinstance(hooks, list):
        return
    kept = []
    for number, hook in enumerate(hooks):
        if isinstance(hook, dict) and isinstance(hook.get("Name"), str) and hook["Name"] not in WEBHOOK_NAMES:
            why = f'the webhook "{hook["Name"]}" is ignored; Flagpost calls only {" and ".join(WEBHOOK_NAMES)}'
            yield KeyNote(f"WebhookURLs[{number}]", Use.CHANGED, why)
            continue
        if isinstance(hook, dict):
            # BareRTC's reports contain HTML.
            hook.setdefault("MessageFormat", "html")
        kept.append(hook)
    tables["WebhookURLs"] = kept


def _entries(tables: dict[str, object], key: str) -> list[dict[str, object]]:
    value = tables.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
