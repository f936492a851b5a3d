"""Sorts the keys of a settings file into those that are used, ignored and unknown."""

import difflib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec import inspect

from server.settings.barertc import MEANINGLESS
from server.settings.effects import inner_kind
from server.settings.key_notes import KeyNote, Use
from server.settings.model import Settings, SettingsError


class _Table(NamedTuple):
    kind: type[msgspec.Struct]
    place: str = ""
    """The prefix of its keys as in the file, with numbers: `PublicChannels[0].`"""
    path: str = ""
    """The same without numbers: `PublicChannels.`"""


_ROOT = _Table(Settings)


class KeySorter:
    """Sorts the keys of one file, and collects notes about them.

    A file of BareRTC is read leniently: keys match regardless of case, unknown ones are ignored, and each has a note.
    In a file of our own, only ignored keys have a note, and the first unknown one raises SettingsError.
    """

    def __init__(self, *, lenient: bool) -> None:
        self.notes: list[KeyNote] = []
        self._lenient = lenient

    def sort(self, table: Mapping[str, object], where: _Table = _ROOT) -> dict[str, object]:
        """Return the part of a table that Flagpost knows, and add notes. May raise SettingsError."""
        info = inspect.type_info(where.kind)
        fields = {field.encode_name: field for field in info.fields} if isinstance(info, inspect.StructType) else {}
        reasons = {key: why for path, key, why in _MEANINGLESS if path == where.path}
        kept: dict[str, object] = {}
        for key, value in table.items():
            name = _known_as(key, [*fields, *reasons], table) if self._lenient else key
            if name in fields:
                kept[name] = self._within(value, inner_kind(fields[name]), where, name)
            elif name in reasons:
                self.notes.append(KeyNote(f"{where.place}{key}", Use.IGNORED, reasons[name]))
            else:
                self._add_unknown(key, where.place, list(fields))
        return kept

    def _within(self, value: object, kind: type[msgspec.Struct] | None, where: _Table, name: str) -> object:
        """Sort the keys of a table, or of each table of a list; the types of values are checked later."""
        place, path = f"{where.place}{name}", f"{where.path}{name}."
        if kind and isinstance(value, dict):
            return self.sort(value, _Table(kind, f"{place}.", path))
        if kind and isinstance(value, list):
            return [
                self.sort(each, _Table(kind, f"{place}[{number}].", path)) if isinstance(each, dict) else each
                for number, each in enumerate(value)
            ]
        if self._lenient:
            self.notes.append(KeyNote(place, Use.USED))
        return value

    def _add_unknown(self, key: str, place: str, fields: list[str]) -> None:
        close = difflib.get_close_matches(key, fields, n=1) or [name for name in fields if name.lower() == key.lower()]
        hint = f'did you mean "{close[0]}"?' if close else ""
        if not self._lenient:
            use_one = f"use one of {', '.join(fields)}"
            raise SettingsError(f"{place}{key}: no such setting; {hint or use_one}")
        self.notes.append(KeyNote(f"{place}{key}", Use.UNKNOWN, hint))


def _split(path: str) -> tuple[str, str]:
    table, dot, key = path.rpartition(".")
    return f"{table}{dot}", key


_MEANINGLESS = [(*_split(path), why) for path, why in MEANINGLESS.items()]


def _known_as(key: str, known: list[str], table: Mapping[str, object]) -> str:
    """Return the known key that differs only in case; the key itself if there is none, or the table has both."""
    if key in known:
        return key
    return next((name for name in known if name.lower() == key.lower() and name not in table), key)
