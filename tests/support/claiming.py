"""The function `claim` of PostgreSQL, for a room that several servers share in SQLite."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from server.rules.messages import Person
from server.storage import held_names, people
from server.storage.dialect import SqlDialect
from server.storage.events import Event
from server.storage.sql import Rows, SqlConnection, Value, Values

CLAIM = "SELECT * FROM claim("


class _Claim(NamedTuple):
    """The parameters of the function."""

    node: str
    known: int
    moment: int
    key: str
    name: str
    identity: str
    session: int
    rank: int
    is_member: int
    returns: int
    entry: str


class ClaimingConnection:
    """A connection to SQLite that knows the function, with the statements of which it consists."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection
        self.now = connection.now
        self.announced = connection.announced

    @property
    def dialect(self) -> SqlDialect:
        """See SqlConnection."""
        return self._connection.dialect

    def execute(self, sql: str, values: Values = (), /) -> Rows:
        """See SqlConnection."""
        if sql.startswith(CLAIM) and not isinstance(values, dict):
            return _OneRow(self._claim(_Claim(*values)))
        return self._connection.execute(sql, values)

    def insert(self, sql: str, values: Sequence[Value], /) -> int:
        """See SqlConnection."""
        return self._connection.insert(sql, values)

    def executemany(self, sql: str, values: Iterable[Values], /) -> object:
        """See SqlConnection."""
        return self._connection.executemany(sql, values)

    def snapshot(self) -> AbstractContextManager[None]:
        """See SqlConnection."""
        return self._connection.snapshot()

    def announce(self, event: Event) -> None:
        """See SqlConnection."""
        self._connection.announce(event)

    def _claim(self, claim: _Claim) -> tuple[Value, ...]:
        run, person = self._connection.execute, Person(claim.name, claim.identity)
        (changed,) = run("SELECT coalesce(max(names_changed), 0) FROM node WHERE id <> ?", (claim.node,)).fetchone()
        if changed > claim.known:
            return (changed, *(None,) * 6)
        (number,) = run("UPDATE room SET names_changed = names_changed + 1 RETURNING names_changed").fetchone()
        run("UPDATE node SET names_changed = ? WHERE id = ?", (number, claim.node))
        replaced: tuple[Value, ...] = None, None
        if claim.is_member:
            query = "SELECT name, identity FROM presence WHERE key = ? AND identity <> ?"
            replaced = run(query, (claim.key, claim.identity)).fetchone() or replaced
            held_names.add_member(person, self._connection)
        if claim.returns:
            held_names.joined(person, self._connection)
        place = claim.key, *person, claim.node, claim.session, number, claim.rank, claim.is_member, claim.entry
        run("INSERT OR REPLACE INTO presence VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", place)
        joined = people.store_joined(person, claim.moment, self._connection)
        return None, number, *joined, *replaced


class _OneRow:
    """The row that a function returned."""

    rowcount = 1
    description = None

    def __init__(self, row: tuple[Value, ...]) -> None:
        self._rows = [row]

    def fetchone(self) -> tuple[Value, ...] | None:
        return self._rows.pop() if self._rows else None

    def fetchall(self) -> list[tuple[Value, ...]]:
        return [*iter(self)]

    def __iter__(self) -> Iterator[tuple[Value, ...]]:
        return iter(self._rows)

    def close(self) -> None:
        self._rows.clear()
