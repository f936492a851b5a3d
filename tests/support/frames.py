"""Frames of every type, built by reflection: with long texts in each field, or one long list."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import get_args

import msgspec
from msgspec import inspect

from server.protocol.frames import ServerFrame

KINDS: tuple[type[ServerFrame], ...] = get_args(ServerFrame)
AT = datetime(2026, 3, 14, tzinfo=UTC)


def fields(kind: type) -> dict[str, inspect.Type]:
    """Return the type of each field of a frame, at any depth, by names like "Message.reactions"."""
    return {
        f"{struct.cls.__name__}.{field.name}": bare(field.type)
        for struct in _structs(inspect.type_info(kind))
        for field in struct.fields
    }


def bare(kind: inspect.Type) -> inspect.Type:
    """Return a type without its metadata."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def lists(kind: type) -> list[str]:
    """Return the names of the fields that are lists."""
    return [name for name, field in fields(kind).items() if isinstance(field, inspect.ListType)]


def frame_of(kind: type[ServerFrame], text: str = "x", entries: int = 1, long: str = "") -> ServerFrame:
    """Return a frame in which every text is `text` with a number before it; the list `long` has this many entries."""
    return msgspec.convert(_Filler(text, entries, long).value(inspect.type_info(kind)), kind)


def _structs(kind: inspect.Type) -> Iterator[inspect.StructType]:
    kind = bare(kind)
    if isinstance(kind, inspect.StructType):
        yield kind
        for field in kind.fields:
            yield from _structs(field.type)
    elif isinstance(kind, inspect.ListType):
        yield from _structs(kind.item_type)
    elif isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _structs(each)


class _Filler:
    """Fills one frame; numbers and texts are distinct, so that a client stores each of them."""

    def __init__(self, text: str, entries: int, long: str) -> None:
        self._text, self._entries, self._long = text, entries, long
        self._numbers = count(1)

    def value(self, kind: inspect.Type, path: str = "") -> object:
        """Return a value of a type."""
        match kind:
            case inspect.Metadata():
                return self.value(kind.type, path)
            case inspect.StrType():
                return f"{next(self._numbers)}{self._text}"[: kind.max_length]
            case inspect.BytesType():
                return b64encode(next(self._numbers).to_bytes(kind.max_length or 1, "big")).decode()
            case inspect.BoolType():
                return False
            case inspect.IntType():
                return next(self._numbers)
            case inspect.DateTimeType():
                return AT + timedelta(seconds=next(self._numbers))
            case inspect.ListType():
                return [self.value(kind.item_type) for _ in range(self._entries if path == self._long else 1)]
            case inspect.UnionType():
                return self.value(next(each for each in kind.types if not isinstance(each, inspect.NoneType)))
            case inspect.StructType():
                return {
                    field.encode_name: self.value(field.type, f"{kind.cls.__name__}.{field.name}")
                    for field in kind.fields
                }
        raise AssertionError(f"fill {kind} too")
