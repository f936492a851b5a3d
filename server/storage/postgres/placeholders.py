"""Translates the placeholders of the shared SQL, which are SQLite's, to PostgreSQL's."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from server.storage.sql import Value, Values

_TOKEN = re.compile(
    r"""
    '[^']*' | "[^"]*" | --[^\n]* | ::   # no placeholders in texts, names, comments and casts
    | \?(?P<number>\d*)
    | :(?P<name>[A-Za-z_]\w*)
    """,
    re.VERBOSE,
)


class NativeStatement(NamedTuple):
    """A statement with `$1`, `$2` ... for its values."""

    sql: str
    names: tuple[str, ...]
    """The names of the values in their order; empty if they have none."""

    def ordered(self, values: Values) -> Sequence[Value]:
        """Return the values in the order of their numbers."""
        return [values[name] for name in self.names] if isinstance(values, Mapping) else values


@lru_cache(maxsize=1024)
def translated(sql: str) -> NativeStatement:
    """Translate `?`, `?1` and `:name`."""
    names: list[str] = []
    last = 0

    def number(found: re.Match[str]) -> str:
        nonlocal last
        if name := found["name"]:
            if name not in names:
                names.append(name)
            return f"${names.index(name) + 1}"
        if found["number"] is None:
            return found[0]
        # As in SQLite, a placeholder without a number follows the largest number.
        this = int(found["number"] or last + 1)
        last = max(last, this)
        return f"${this}"

    return NativeStatement(_TOKEN.sub(number, sql), tuple(names))
