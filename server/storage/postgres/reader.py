"""The reader thread: runs reads one by one, and waits while the database is unavailable."""

import time
from collections.abc import Callable

import psycopg

from server.storage.fair import QueueKey
from server.storage.pending import PendingRead, ReadQueue, Result, Work
from server.storage.postgres.connecting import PATIENCE_SECONDS, DatabaseLink
from server.storage.postgres.database_thread import DatabaseThread
from server.storage.postgres.membership import FencedError


class ReaderThread(DatabaseThread):
    """Runs one read at a time."""

    def __init__(self, link: DatabaseLink, now: Callable[[], int], fenced: Callable[[FencedError], None]) -> None:
        super().__init__("reader", link, fenced)
        self._ended = False
        self._now = now
        self._reads = ReadQueue()
        self._give_up_at: float | None = None
        """When reads stop waiting for a database that does not answer; None while it answers."""

    def put(self, key: QueueKey, read: PendingRead[Result]) -> None:
        """Add a read. Raises StorageError after `end`."""
        self._reads.put(key, read)

    def end(self) -> None:
        """Finish all waiting reads, without waiting for the database, then end the thread."""
        self._ended = True
        self._reads.end()

    def work(self) -> None:
        """See DatabaseThread."""
        for read in self._reads:
            read.run(self._perform)

    def _perform(self, work: Work[object]) -> object:
        """Run a read, and repeat it if the connection was lost. Raises its errors, and psycopg.Error."""
        while True:
            try:
                with self.link.in_use() as connection:
                    connection.now = self._now()
                    result = work(connection)
            except psycopg.Error as error:
                if not self.link.recover(error):
                    self._give_up_at = None
                    raise
                self._give_up_at = self._give_up_at or time.monotonic() + PATIENCE_SECONDS
                if self._ended or time.monotonic() > self._give_up_at:
                    raise
                self.link.wait()
            except FencedError as fenced:
                # First, so that the server stops before the caller can send the reason to a user.
                self._fenced(fenced)
                raise
            else:
                self._give_up_at = None
                self.link.succeed()
                return result
