"""Reads JSON that sites write for Go's encoding/json, and accepts more than Go does.

Keys match regardless of case, and the last of repeated keys counts; null counts as missing; invalid characters become
U+FFFD. Numbers and booleans can be read as text. A field that cannot be read is left out, and noted for the log.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from server.protocol.errors import FlagpostError

MAX_NAMED = 5
"""Maximum number of unreadable fields that the log names."""
SURROGATE = re.compile("[\ud800-\udfff]")
FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

Value = TypeVar("Value")


class UnreadableError(FlagpostError):
    """The text is not a JSON object."""


class _Number(str):
    """A number as it was written: a conversion could change it, or take long."""

    __slots__ = ()


class _Pairs(list[tuple[str, object]]):
    """The pairs of an object in order; keys can repeat."""


class Oddities:
    """The fields that cannot be read, by place and type, without their values."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, place: str, value: object) -> None:
        """Note a value that cannot be read."""
        self._found.append(f"{place} is {_kind(value)}")

    def __str__(self) -> str:
        more = len(self._found) - MAX_NAMED
        return ", ".join([*self._found[:MAX_NAMED], *([f"and {more} more"] if more > 0 else [])])


class LenientObject:
    """An object whose fields are read as the type that the caller expects."""

    def __init__(self, pairs: Iterable[tuple[str, object]], odd: Oddities, place: str = "") -> None:
        self.odd = odd
        self._place = place
        self._values: dict[str, list[object]] = {}
        for key, value in pairs:
            if value is not None:
                self._values.setdefault(key.casefold(), []).append(value)

    def __contains__(self, name: str) -> bool:
        """Return whether a field is present, readable or not."""
        return name.casefold() in self._values

    def text(self, name: str) -> str | None:
        """Return the text of a field, "" if it is missing; None if it cannot be read."""
        return self._read(name, _text) if name in self else ""

    def flag(self, name: str) -> bool | None:
        """Return the boolean in a field; None if it is missing or cannot be read."""
        return self._read(name, _flag)

    def whole(self, name: str) -> int | None:
        """Return the integer in a field; None if it is missing or cannot be read."""
        return self._read(name, _whole)

    def child(self, name: str) -> "LenientObject | None":
        """Return the object in a field, merged if the key repeats; None if it is missing or cannot be read."""
        values = self._values.get(name.casefold(), [])
        if not values or self._read(name, _pairs) is None:
            return None
        merged = [pair for value in values for pair in (_pairs(value) or ())]
        return LenientObject(merged, self.odd, f"{self._place}{name}.")

    def children(self, name: str) -> list["LenientObject"]:
        """Return the objects in a list; leave out null, and what cannot be read."""
        found = []
        for number, entry in enumerate(self._read(name, _list) or []):
            place = f"{self._place}{name}[{number}]"
            if (pairs := _pairs(entry)) is not None:
                found.append(LenientObject(pairs, self.odd, f"{place}."))
            elif entry is not None:
                self.odd.add(place, entry)
        return found

    def _read(self, name: str, convert: Callable[[object], Value | None]) -> Value | None:
        values = self._values.get(name.casefold())
        if not values:
            return None
        if (converted := convert(values[-1])) is None:
            self.odd.add(f"{self._place}{name}", values[-1])
        return converted


def parse(body: bytes) -> LenientObject:
    """Parse an object in UTF-8, 16 or 32, with or without a byte order mark. Raises UnreadableError."""
    text = body.decode(json.detect_encoding(body), errors="replace")
    try:
        found: object = json.loads(
            text, strict=False, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_Number
        )
    except json.JSONDecodeError as error:
        # The error's own text has line and column, which an answer on one line does not need.
        raise UnreadableError(f"it is not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    if (pairs := _pairs(found)) is None:
        raise UnreadableError(f"it is {_kind(found)}, not an object")
    return LenientObject(pairs, Oddities())


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return SURROGATE.sub("\ufffd", value) if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    return FLAGS.get((_text(value) or "").strip().lower())


def _whole(value: object) -> int | None:
    text = (value if isinstance(value, str) else "").strip()
    digits = re.fullmatch(r"([+-]?[0-9]{1,9})(?:\.0+)?", text, re.ASCII)
    return int(digits[1]) if digits else None


def _pairs(value: object) -> _Pairs | None:
    return value if isinstance(value, _Pairs) else None


def _list(value: object) -> list[object] | None:
    return value if isinstance(value, list) and not isinstance(value, _Pairs) else None


def _kind(value: object) -> str:
    if isinstance(value, _Pairs):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool | _Number):
        return "a boolean" if isinstance(value, bool) else "a number"
    return "null" if value is None else "a string"
