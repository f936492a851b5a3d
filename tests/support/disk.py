"""The SQLite file of a server, read, changed and held from outside while the server runs or is down."""

import asyncio
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

WAIT_SECONDS = 20.0

Row = tuple[str | int | None, ...]


class Disk:
    """What is on disk; each use opens the file anew, so that nothing of it is known from before."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def rows(self, query: str, *values: str | int) -> list[Row]:
        """The rows of a query."""
        with self._opened() as connection:
            return connection.execute(query, values).fetchall()

    def change(self, script: str) -> None:
        """Run statements in one transaction."""
        with self._opened() as connection:
            connection.executescript(f"BEGIN IMMEDIATE; {script}; COMMIT")

    def make_due(self) -> None:
        """Let the schedule of all that waits be over, and the breaker be closed."""
        self.change("UPDATE delivery SET due = 0 WHERE state = 'waiting'; DELETE FROM webhook WHERE paused = ''")

    def content(self) -> list[str]:
        """Everything that is stored, but who was here when, to be compared with what is stored later."""
        with self._opened() as connection:
            return [line for line in connection.iterdump() if not line.startswith('INSERT INTO "person"')]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else can write meanwhile."""
        with self._opened() as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")

    @contextmanager
    def full(self, process: int) -> Iterator[None]:
        """The files of a server's process cannot grow meanwhile; Linux alone."""
        log = self.file.with_name(self.file.name + "-wal")
        _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
        yield
        resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))

    @contextmanager
    def refusing(self, event: str) -> Iterator[None]:
        """Nobody can do this meanwhile, such as "INSERT ON attempt"."""
        self.change(f"CREATE TRIGGER refusing BEFORE {event} BEGIN SELECT RAISE(ABORT, 'refused by a test'); END")
        yield
        self.change("DROP TRIGGER refusing")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # A website's thread may lock the file, and the test's own let go of it.
        opened = sqlite3.connect(self.file, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        with closing(opened) as connection:
            yield connection


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what should become true."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():
            await asyncio.sleep(0.05)
