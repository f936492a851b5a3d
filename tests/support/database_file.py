"""The SQLite file of a server, read, changed and locked from outside while the server runs or is down."""

import asyncio
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from server.storage.sqlite_connection import SqliteConnection

WAIT_SECONDS = 20.0

Row = tuple[str | int | None, ...]


class Disk:
    """The file on disk; each use opens it again, so that nothing is cached."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def rows(self, query: str, *values: str | int) -> list[Row]:
        """Return the rows of a query."""
        with self._opened() as connection:
            return connection.execute(query, values).fetchall()

    def change(self, script: str) -> None:
        """Run statements in one transaction."""
        with self._opened() as connection:
            connection.executescript(f"BEGIN IMMEDIATE; {script}; COMMIT")

    def make_due(self) -> None:
        """Make all waiting deliveries due, and close the circuit breaker."""
        self.change("UPDATE delivery SET due = 0 WHERE state = 'waiting'; DELETE FROM webhook WHERE paused = ''")

    def content(self) -> list[str]:
        """Return all stored content for comparison with a later state, without times of visits and the search index.

        The index is updated some time after the messages.
        """
        later = tuple(f'INSERT INTO "{table}' for table in ("person", "message_text", "search_index"))
        with self._opened() as connection:
            return [line for line in connection.iterdump() if not line.startswith(later)]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the database against other writers during the block."""
        with self._opened() as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")

    @contextmanager
    def full(self, process: int) -> Iterator[None]:
        """Prevent the files of a server's process from growing during the block; Linux only."""
        log = self.file.with_name(self.file.name + "-wal")
        _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
        yield
        resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))

    @contextmanager
    def refusing(self, event: str) -> Iterator[None]:
        """Make the database refuse an event during the block, such as "INSERT ON attempt"."""
        self.change(f"CREATE TRIGGER refusing BEFORE {event} BEGIN SELECT RAISE(ABORT, 'refused by a test'); END")
        yield
        self.change("DROP TRIGGER refusing")

    @contextmanager
    def _opened(self) -> Iterator[SqliteConnection]:
        # A website's thread may take the lock, and the test's thread release it.
        opened = sqlite3.connect(
            self.file, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False, factory=SqliteConnection
        )
        with closing(opened) as connection:
            yield connection


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():
            await asyncio.sleep(0.05)
