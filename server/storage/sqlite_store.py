"""A Store in a SQLite file."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from server.storage import indexing, schema
from server.storage.base import StorageError
from server.storage.clock import milliseconds, utc_now
from server.storage.copying import Numbering
from server.storage.database_file import Lock
from server.storage.new_file import new_file
from server.storage.sql import SqlConnection
from server.storage.sqlite_connection import SqliteConnection

LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?"


class SqliteStore:
    """See Store. The file stays as it is unless a transaction writes."""

    def __init__(self, path: str) -> None:
        self.path = path

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[SqliteConnection]:
        """See Store."""
        with self._opened() as connection, connection:
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            connection.begin(milliseconds(utc_now()))
            yield connection

    @contextmanager
    def locked(self) -> Iterator[SqliteConnection]:
        """See Store."""
        with self._opened():
            # Opened first, because the lock would create its file even beside a missing database.
            lock = Lock(self.path)
        try:
            with self.transaction() as connection:
                yield connection
        finally:
            lock.release()

    @contextmanager
    def created(self) -> Iterator[SqliteConnection]:
        """See Store."""
        with new_file(Path(self.path)) as draft, _written(draft) as connection:
            schema.prepare(connection)
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.begin(milliseconds(utc_now()))
                yield connection
            while indexing.step(connection):
                pass

    def numbering(self, connection: SqlConnection) -> Numbering:
        """See Store."""
        (changes,) = connection.execute("SELECT number FROM message_changes").fetchone()
        epoch, server, id_key = connection.execute("SELECT name, id, id_key FROM epoch, server").fetchone()
        message, trail = (connection.execute(LAST, (name,)).fetchone()[0] for name in ("message", "trail"))
        return Numbering(epoch, server, id_key, message, trail, changes)

    def renumber(self, connection: SqlConnection, numbering: Numbering) -> None:
        """See Store."""
        connection.execute("UPDATE epoch SET name = ?", (numbering.epoch,))
        connection.execute("UPDATE server SET id = ?, id_key = ?", (numbering.server, numbering.id_key))
        connection.execute("UPDATE message_changes SET number = ?", (numbering.changes,))
        for name, last in (("message", numbering.message), ("trail", numbering.trail)):
            connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
            connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last))

    def erase_traces(self) -> bool:
        """See Store."""
        with self._opened() as connection:
            return indexing.finish(connection)

    def back_up(self, file: Path) -> int:
        """See Store."""
        with self.transaction() as connection, new_file(file) as draft, _written(draft) as copy:
            # In one step: a consistent snapshot, and in WAL mode it does not block writers.
            connection.backup(copy)
            return renew(copy)

    @contextmanager
    def _opened(self) -> Iterator[SqliteConnection]:
        if not self._is_there():
            raise StorageError(f"{self.path} does not exist yet; check the path, or start the server to create it")
        try:
            with closing(schema.open_as_it_is(self.path)) as connection:
                if advice := schema.misfit(connection):
                    raise StorageError(f"{self.path}: {advice}")
                yield connection
        except sqlite3.Error as error:
            raise StorageError(f"{self.path}: {error}; run `doctor` for details") from None

    def _is_there(self) -> bool:
        try:
            return Path(self.path).exists()
        except OSError as error:
            raise StorageError(
                f"{self.path} cannot be accessed: {error.strerror}; run this as the server's user"
            ) from None


def renew(copy: SqlConnection) -> int:
    """Assign a new epoch to a copy; return the number of its messages."""
    # A restored room numbers its messages from here, so clients must not confuse new ones with those they know.
    copy.execute("UPDATE epoch SET name = ?", (secrets.token_hex(8),))
    (messages,) = copy.execute("SELECT count(*) FROM message").fetchone()
    return int(messages)


@contextmanager
def _written(file: Path) -> Iterator[SqliteConnection]:
    """Open a new file; once it is closed, it is complete without side files. Raises StorageError."""
    try:
        with closing(schema.open_as_it_is(str(file))) as connection:
            yield connection
            # A backup has the journal mode of its source.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StorageError(f"{file} cannot be written: {error}; free disk space, or name another file") from None
