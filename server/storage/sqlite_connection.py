"""A SqlConnection to a SQLite file."""

import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from server.storage.dialect import SQLITE
from server.storage.events import Event
from server.storage.sql import Value, Values

_NUMBERED = re.compile(r"\?[0-9]")


class SqliteConnection(sqlite3.Connection):
    """A subclass of sqlite3's connection, because a wrapper would slow down every statement."""

    now = 0
    dialect = SQLITE
    announced: list[Event]
    """The events of the current transaction."""

    def begin(self, now: int) -> None:
        """Set the time of a new transaction, in milliseconds, and forget the events of the previous one."""
        self.now = now
        self.announced = []

    if (3, 12) <= sys.version_info < (3, 12, 4):
        # These versions warn about `?1` with a sequence of values (CPython gh-117995), but not with a mapping.
        def execute(self, sql: str, values: Values = (), /) -> sqlite3.Cursor:  # type: ignore[override]
            """See SqlConnection."""
            return super().execute(sql, by_number(sql, values))

        def executemany(self, sql: str, values: Iterable[Values], /) -> sqlite3.Cursor:  # type: ignore[override]
            """See SqlConnection."""
            return super().executemany(sql, (by_number(sql, each) for each in values))

    def insert(self, sql: str, values: Sequence[Value], /) -> int:
        """See SqlConnection."""
        # A RETURNING clause would make storing a message 10 % slower.
        return self.execute(sql, values).lastrowid or 0

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See SqlConnection."""
        if self.in_transaction:
            yield
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.execute("ROLLBACK")

    def announce(self, event: Event) -> None:
        """See SqlConnection."""
        self.announced.append(event)


def by_number(sql: str, values: Values) -> Values:
    """Return the values of `?1`, `?2` and so on as a mapping from their numbers; other values unchanged."""
    if isinstance(values, Mapping) or not _NUMBERED.search(sql):
        return values
    return {str(number): value for number, value in enumerate(values, 1)}
