"""Cleans every text of a frame, however deep, and cuts it to the limits."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple, TypeVar, get_args

import msgspec

from tui.limits import LIMITS, MARK, Items
from tui.text import clean, clean_line

_LINES_ALLOWED = frozenset({"message", "comment", "value"})

Value = TypeVar("Value")


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
