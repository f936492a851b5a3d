"""Cleans text before it is shown: no character controls the terminal and, in text of others, none deceives."""

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, TypeVar, get_args

import msgspec

from server.protocol.characters import BIDI, CONTROL, INVISIBLE, JOINERS, SURROGATES, VARIATIONS, limit_marks
from tui.limits import LIMITS, MARK, Items

_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
_UNSEEN = re.compile(f"[{BIDI}{INVISIBLE}]")
_GLUE = re.compile(f"(^|[\\s\\S])([{JOINERS}{VARIATIONS}]+)")
_JOINER, _VARIATION = re.compile(f"[{JOINERS}]"), re.compile(f"[{VARIATIONS}]")
_KEYCAPS = frozenset("0123456789#*")
TAB = "    "
_COMMAND = re.compile(f"(?![\n\t])[{CONTROL}{SURROGATES}]")
_REORDERING = re.compile("[\u202a-\u202e]")
_LINES_ALLOWED = frozenset({"message", "comment", "value"})

Value = TypeVar("Value")


def clean(text: str) -> str:
    """Return text of any number of lines, safe to show: control characters become their pictures (ESC: ␛).

    Tabs stay, because tables and Makefiles need them; the code that shows the text turns them into spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_END.sub("\n", text)
    if not text.isascii():
        text = limit_marks(_GLUE.sub(_glue, _UNSEEN.sub("", text)))
    return _COMMAND.sub(_picture, text)


def clean_line(text: str) -> str:
    """Return text that is safe to show in one line."""
    return " ".join(clean(text).replace("\t", TAB).split("\n"))


def clean_own(text: str) -> str:
    """Return the user's own text, safe to show: only characters that control the terminal are replaced.

    Embeddings and overrides of the text direction are removed: if pasted, they would show other words than are sent.
    """
    return _COMMAND.sub(_picture, _REORDERING.sub("", _LINE_END.sub("\n", text)))


def clean_frame(frame: Value, left_out: Callable[[], object] = lambda: None) -> Value:
    """Return a frame with every text in it, however deep, cleaned and within `tui.limits`.

    Only messages, comments and values may have several lines. `left_out` is called for each list that had too many
    entries.
    """
    cleaned = _struct(frame, left_out) if isinstance(frame, msgspec.Struct) else frame
    return cleaned if isinstance(cleaned, type(frame)) else frame


def _struct(value: msgspec.Struct, left_out: Callable[[], object]) -> msgspec.Struct:
    changed: dict[str, object] = {}
    for field in _fields(type(value)):
        old = getattr(value, field.name)
        new = _piece(old, field, left_out)
        if new is not old:
            changed[field.name] = new
    return msgspec.structs.replace(value, **changed) if changed else value


def _piece(value: object, field: "_Field", left_out: Callable[[], object]) -> object:
    if isinstance(value, str):
        cleaning = clean if field.lines else clean_line
        return cleaning(value) if len(value) <= field.chars else f"{cleaning(value[: field.chars - 1])}{MARK}"
    if isinstance(value, list):
        if len(value) > field.most:
            left_out()
        return [_piece(each, field, left_out) for each in value[: field.most]]
    return _struct(value, left_out) if isinstance(value, msgspec.Struct) else value


class _Field(NamedTuple):
    """A field that can hold text, and the limits on its content."""

    name: str
    chars: int
    most: int
    lines: bool


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[_Field, ...]:
    """Return the fields with a limit, and those that hold other structs."""
    found = []
    for each in msgspec.structs.fields(kind):
        limit = LIMITS.get(f"{kind.__name__}.{each.name}", Items(0))
        if limit != Items(0) or _holds_struct(each.type):
            most, chars = (limit.most, limit.chars) if isinstance(limit, Items) else (0, limit)
            found.append(_Field(each.name, chars, most, each.name in _LINES_ALLOWED))
    return tuple(found)


def _holds_struct(kind: object) -> bool:
    """Return whether a type is or contains a struct, however deep: in a union, a list or annotations."""
    return isinstance(kind, type(msgspec.Struct)) or any(_holds_struct(part) for part in get_args(kind))


def _glue(match: re.Match[str]) -> str:
    """Keep a joiner or a variation selector only after what it can join or vary, and only once."""
    base, glue = match.groups()
    variation, joiner = _VARIATION.search(glue), _JOINER.search(glue)
    if base.isascii() or base == "\xa0":
        joiner = None
        variation = variation if base in _KEYCAPS else None
    return base + (variation[0] if variation else "") + (joiner[0] if joiner else "")


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
