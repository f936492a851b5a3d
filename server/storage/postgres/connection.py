"""A SqlConnection to PostgreSQL."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import psycopg
from psycopg.adapt import Loader
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow
from psycopg.types.numeric import Int8Dumper

from server.storage.dialect import POSTGRES
from server.storage.events import Event
from server.storage.postgres.placeholders import translated
from server.storage.sql import Rows, Value, Values

MAX_PREPARED = 1000
"""Number of statements that a connection keeps prepared: more than Flagpost uses."""


class _Integer(Int8Dumper):
    """Sends every int and bool as one type, so that each statement is prepared only once."""

    def dump(self, obj: int) -> bytes:
        return b"%d" % obj


class _Boolean(Loader):
    """Loads booleans as 1 and 0, like SQLite."""

    def load(self, data: "bytes | bytearray | memoryview") -> int:
        return int(bytes(data) == b"t")


class _Numeric(Loader):
    """Loads sums of integers, which PostgreSQL returns as decimals, as integers."""

    def load(self, data: "bytes | bytearray | memoryview") -> int | float:
        text = bytes(data).decode()
        return float(text) if "." in text else int(text)


class PostgresConnection:
    """A connection that knows the placeholders and types of the shared SQL."""

    dialect = POSTGRES

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self.raw = connection
        self._called: dict[str, bytes] = {}
        """The names of statements that `call` has prepared."""
        self._numbers = count(1)
        self.now = 0
        self.announced: list[Event] = []
        """The events of the current transaction."""
        connection.prepared_max = MAX_PREPARED
        connection.adapters.register_dumper(int, _Integer)
        connection.adapters.register_dumper(bool, _Integer)
        connection.adapters.register_loader("bool", _Boolean)
        connection.adapters.register_loader("numeric", _Numeric)

    def begin(self, now: int) -> None:
        """Set the time of a new transaction, in milliseconds, and forget the events of the previous one."""
        self.now = now
        self.announced = []

    def execute(self, sql: str, values: Values = (), /) -> Rows:
        """See SqlConnection."""
        statement = translated(sql)
        return psycopg.RawCursor(self.raw).execute(statement.sql.encode(), statement.ordered(values), prepare=True)

    def call(self, sql: str, values: list[bytes]) -> list[list[bytes | None]]:
        """Run a query in a fraction of `execute`'s time; values and columns are in PostgreSQL's text format."""
        connection = self.raw.pgconn
        if sql not in self._called:
            name = f"called_{next(self._numbers)}".encode()
            _check(connection.prepare(name, translated(sql).sql.encode()), ExecStatus.COMMAND_OK)
            self._called[sql] = name
        # Waits in C, without the GIL.
        result = _check(connection.exec_prepared(self._called[sql], values), ExecStatus.TUPLES_OK)
        columns = range(result.nfields)
        return [[result.get_value(row, column) for column in columns] for row in range(result.ntuples)]

    def insert(self, sql: str, values: Sequence[Value], /) -> int:
        """See SqlConnection."""
        return int(self.execute(f"{sql} RETURNING id", values).fetchone()[0])

    def executemany(self, sql: str, values: Iterable[Values], /) -> None:
        """See SqlConnection."""
        with self.raw.pipeline():
            for each in values:
                self.execute(sql, each)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See SqlConnection."""
        if self.raw.info.transaction_status != TransactionStatus.IDLE:
            yield
            return
        self.raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
            # A rollback would cost all prepared statements.
            self.raw.execute("COMMIT")
        finally:
            self.roll_back()

    def announce(self, event: Event) -> None:
        """See SqlConnection."""
        self.announced.append(event)

    def roll_back(self) -> None:
        """Roll back the current transaction, if there is one and the connection is open."""
        if not self.raw.closed and self.raw.info.transaction_status != TransactionStatus.IDLE:
            self.raw.execute("ROLLBACK")
            # psycopg has deallocated all prepared statements of the connection, including those of `call`.
            self._called.clear()


def _check(result: PGresult, expected: ExecStatus) -> PGresult:
    if result.status != expected:
        raise psycopg.errors.error_from_result(result)
    return result
