"""A Store in PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.errors import LockNotAvailable

from server.storage import copying
from server.storage.base import StorageError
from server.storage.copying import Numbering
from server.storage.postgres import news, schema
from server.storage.postgres.connecting import connect, one_line, opening_problem
from server.storage.postgres.connection import PostgresConnection
from server.storage.presence import GONE_MILLISECONDS
from server.storage.sql import SqlConnection
from server.storage.sqlite_store import SqliteStore, renew

WAITING = {"lock_timeout": "10s", "idle_in_transaction_session_timeout": "0", "statement_timeout": "0"}
"""Session parameters: a command may run long in a large room, but does not wait long for a lock."""
NOW = "SELECT now_milliseconds() FROM room"
LOCK = f"{NOW} FOR UPDATE"


class PostgresStore:
    """See Store. Servers keep running, and only wait while a transaction writes."""

    def __init__(self, url: str) -> None:
        self.url = url

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[PostgresConnection]:
        """See Store. All servers receive the events of a write."""
        with self._opened() as connection, connection.raw.transaction():
            if not write:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            _begin(connection, LOCK if write else NOW)
            yield connection
            _store_news(connection)

    def check_writable(self) -> None:
        """Lock the room for a moment, without a commit, which could wait for a standby. Raises StorageError."""
        with self._opened() as connection, connection.raw.transaction(force_rollback=True):
            connection.execute(LOCK)

    @contextmanager
    def locked(self) -> Iterator[PostgresConnection]:
        """See Store. A server that starts meanwhile waits for the room, and then gives up."""
        with self.transaction(write=True) as connection:
            _check_stopped(connection)
            yield connection

    @contextmanager
    def created(self) -> Iterator[PostgresConnection]:
        """See Store. The tables may exist already if they have no rows."""
        with self.connected() as connection, connection.raw.transaction():
            schema.prepare(connection.raw)
            _begin(connection, LOCK)
            _check_stopped(connection)
            for table in copying.TABLES:
                if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608 - a name of the schema
                    raise StorageError(f"{self.url}: table {table} has rows; name an empty database")
            # A server of the empty room that was suspended for long must not write into the new room.
            connection.execute("DELETE FROM node")
            yield connection

    def numbering(self, connection: SqlConnection) -> Numbering:
        """See Store."""
        query = "SELECT epoch, server.id, id_key, message, trail, number FROM room, server, message_changes"
        return Numbering(*connection.execute(query).fetchone())

    def renumber(self, connection: SqlConnection, numbering: Numbering) -> None:
        """See Store."""
        connection.execute(
            "UPDATE room SET epoch = ?, message = ?, trail = ?", (numbering.epoch, numbering.message, numbering.trail)
        )
        connection.execute("UPDATE server SET id = ?, id_key = ?", (numbering.server, numbering.id_key))
        connection.execute("UPDATE message_changes SET number = ?", (numbering.changes,))

    def erase_traces(self) -> bool:
        """See Store."""
        with self._opened() as connection:
            for table in copying.TABLES:
                connection.raw.execute(f"VACUUM {table}".encode())
        return True

    def back_up(self, file: Path) -> int:
        """See Store."""
        with self.transaction() as connection, SqliteStore(str(file)).created() as copy:
            for _ in copying.copy(connection, copy):
                pass
            SqliteStore(str(file)).renumber(copy, self.numbering(connection))
            return renew(copy)

    @contextmanager
    def _opened(self) -> Iterator[PostgresConnection]:
        with self.connected() as connection:
            if advice := schema.misfit(connection.raw):
                raise StorageError(f"{self.url}: {advice}")
            yield connection

    @contextmanager
    def connected(self) -> Iterator[PostgresConnection]:
        """Connect, whatever the database contains. Raises StorageError."""
        try:
            connection = connect(self.url, WAITING)
        except psycopg.Error as error:
            raise StorageError(opening_problem(self.url, error)) from None
        try:
            with connection.raw:
                yield connection
        except psycopg.Error as error:
            why = "another program has locked the room" if isinstance(error, LockNotAvailable) else one_line(error)
            raise StorageError(f"{self.url}: {why}; run `doctor` for details") from None


def _begin(connection: PostgresConnection, query: str) -> None:
    """Set the time of a transaction to the result of a query."""
    (now,) = connection.execute(query).fetchone()
    connection.begin(now)


def _store_news(connection: PostgresConnection) -> None:
    if connection.announced:
        values = ("", connection.now, news.encode(connection.announced))
        connection.execute("SELECT store_news(?, ?, ?)", values)


def _check_stopped(connection: PostgresConnection) -> None:
    """Raise StorageError if a server uses the room; no server can write during this transaction."""
    beats = "SELECT address FROM node WHERE beat > ? ORDER BY address"
    rows = connection.execute(beats, (connection.now - GONE_MILLISECONDS,))
    if found := ", ".join(address for (address,) in rows):
        raise StorageError(
            f"the room is used by servers on {found}; stop them, and wait for {GONE_MILLISECONDS // 1000} s"
        )
