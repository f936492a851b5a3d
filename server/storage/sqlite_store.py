"""A Store in a SQLite file."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from server.storage import indexing, schema
from server.storage.base import StorageError
from server.storage.clock import milliseconds, utc_now
from server.storage.sqlite_connection import SqliteConnection


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

    def erase_traces(self) -> bool:
        """See Store."""
        with self._opened() as connection:
            return indexing.finish(connection)

    def back_up(self, file: Path) -> int:
        """See Store."""
        with self.transaction() as connection, opened_copy(file) as copy:
            # In one step: a consistent snapshot, and in WAL mode it does not block writers.
            connection.backup(copy)
            return renew(copy)

    @contextmanager
    def _opened(self) -> Iterator[SqliteConnection]:
        if not self._is_there():
            raise StorageError(f"{self.path} does not exist yet; start the server with these settings first")
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


@contextmanager
def opened_copy(file: Path) -> Iterator[SqliteConnection]:
    """Open a file that a copy is written to, complete without other files beside it. Raises StorageError."""
    try:
        with closing(schema.open_as_it_is(str(file))) as copy:
            yield copy
            # What is copied from a file brings that file's mode along.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StorageError(f"{file} cannot be written: {error}; free disk space, or name another file") from None


def renew(copy: SqliteConnection) -> int:
    """Give a copy an epoch of its own; return the number of its messages."""
    # A restored room numbers its messages from here, so clients must not confuse new ones with those they know.
    copy.execute("UPDATE epoch SET name = ?", (secrets.token_hex(8),))
    (messages,) = copy.execute("SELECT count(*) FROM message").fetchone()
    return int(messages)
