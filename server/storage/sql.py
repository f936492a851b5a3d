"""The interface of a database connection to functions that read and write, the same for SQLite and PostgreSQL."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from server.storage.dialect import SqlDialect
from server.storage.events import Event

Value = str | int | float | bytes | None
Values = Sequence[Value] | Mapping[str, Value]


class Rows(Protocol):
    """The rows that a statement returned or changed."""

    @property
    def rowcount(self) -> int:
        """The number of rows that were changed; not defined for a SELECT."""

    @property
    def description(self) -> Sequence[Sequence[object]] | None:
        """The columns, each with its name first; None if no rows are returned."""

    # Only the query determines the types of a row.
    def fetchone(self) -> Any:  # type: ignore[explicit-any] # noqa: ANN401
        """Return the next row, a tuple; None after the last one."""

    def fetchall(self) -> list[Any]:  # type: ignore[explicit-any]
        """Return the remaining rows."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[explicit-any]
        """Iterate over the remaining rows."""

    def close(self) -> None:
        """Drop the remaining rows."""


class SqlConnection(Protocol):
    """An open database: within a transaction in the functions passed to `Database.write`.

    The SQL is what SQLite and PostgreSQL have in common. Its placeholders are all `?`, all `?1`, `?2` ..., or all
    `:name`.
    """

    now: int
    """The time in milliseconds, by the clock that all servers of this database share."""

    announced: list[Event]
    """The events of the current transaction, in order."""

    @property
    def dialect(self) -> SqlDialect:
        """The statements of this kind of database."""

    def execute(self, sql: str, values: Values = (), /) -> Rows:
        """Run one statement."""

    def insert(self, sql: str, values: Sequence[Value], /) -> int:
        """Insert a row whose `id` the database assigns; return that number."""

    def executemany(self, sql: str, values: Iterable[Values], /) -> object:
        """Run one statement for each of several sets of values."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Read one state of the database within the context, while others can write."""

    def announce(self, event: Event) -> None:
        """Announce an event to every server of this database, once it is committed, in the order of the commits."""


def touch(connection: SqlConnection) -> None:
    """Write without changing anything, within a transaction, to find out whether the database can be written to."""
    connection.execute(connection.dialect.touch)
