"""The writer thread: commits all waiting work at once, and retries until it is known to be stored."""

import asyncio
import logging
import math
import queue
import time
from collections.abc import Callable, Sequence
from itertools import count, groupby

import psycopg

from server.storage.base import StorageError
from server.storage.pending import MAX_COMMIT, Committed, PendingWrite, fail
from server.storage.postgres.attempts import Node, Now, Transaction, is_fence
from server.storage.postgres.connecting import LONGEST_PAUSE, PATIENCE_SECONDS, DatabaseLink, one_line
from server.storage.postgres.database_thread import DatabaseThread
from server.storage.postgres.hearing import Hearing
from server.storage.postgres.lock_use import LockUse
from server.storage.postgres.membership import FencedError
from server.storage.postgres.publishing import PendingPublish, Publishing

log = logging.getLogger(__name__)

BUSY = ("55P03", "40P01", "40001")
"""SQLSTATEs for a lock that another server held for too long, and for a deadlock or another conflict with it."""

Batch = Sequence[PendingWrite[object]]
Turn = list[PendingWrite[object]]
"""The writes of a turn of the event loop."""


class WriterThread(DatabaseThread):
    """Commits batches of writes, one after the other."""

    def __init__(
        self,
        node: str,
        link: DatabaseLink,
        hearing: Hearing,
        *,
        now: Now,
        committed: Committed,
        fenced: Callable[[FencedError], None],
    ) -> None:
        super().__init__("writer", link, fenced)
        self.lock_use = LockUse()
        self._node = Node(node, now, self.lock_use)
        self._hearing = hearing
        self._committed = committed
        self._loop = asyncio.get_running_loop()
        self._waiting = queue.SimpleQueue[tuple[float, Turn] | None]()
        self._gathered: list[tuple[float, PendingWrite[object]]] = []
        self._kept: list[PendingWrite[object]] = []
        """Writes for which nobody waits, since the database has been unavailable for too long; in order."""
        self._retry_at = 0.0
        self._is_ending = self._ended = False
        self._tokens = (f"{number:016x}" for number in count(1))

    def put(self, turn: Turn) -> None:
        """Add the writes of a turn, to be committed after all earlier ones."""
        self._waiting.put((time.monotonic(), turn))

    def end(self) -> None:
        """Finish all waiting work, then end the thread."""
        self._is_ending = True
        self._waiting.put(None)

    def work(self) -> None:
        """See DatabaseThread. If it fails, callers get no answer, because their writes may be stored."""
        while batch := self._gather():
            since, writes = zip(*batch, strict=True)
            self._store(writes, since[0] + PATIENCE_SECONDS)

    def _gather(self) -> list[tuple[float, PendingWrite[object]]]:
        """Return the writes of the next commit, all of one type, and when each was added; empty at the end."""
        while True:
            self._receive()
            if self._kept and (self._ended or time.monotonic() >= self._retry_at):
                kept, self._kept = self._kept[:MAX_COMMIT], self._kept[MAX_COMMIT:]
                # Tried only once, because other writes may wait by now.
                return [(-math.inf, write) for write in kept]
            if self._gathered or self._ended:
                break
        _, run = next(groupby(self._gathered[:MAX_COMMIT], lambda each: type(each[1])), (None, ()))
        batch = [*run]
        del self._gathered[: len(batch)]
        return batch

    def _receive(self) -> None:
        """Wait until there is a write to store, and add all that are waiting, up to MAX_COMMIT."""
        while not self._ended and len(self._gathered) < MAX_COMMIT:
            if self._gathered and self._waiting.empty():
                return
            try:
                item = self._waiting.get(timeout=max(0.0, self._retry_at - time.monotonic()) if self._kept else None)
            except queue.Empty:
                return
            if item is None:
                self._ended = True
                return
            since, turn = item
            self._gathered += [(since, write) for write in turn]
            if self._kept:
                self._postpone([])

    def _postpone(self, writes: Batch) -> None:
        """Put these writes into `_kept`, and behind them the gathered ones for which nobody waits."""
        gathered = [write for _, write in self._gathered if write.aside]
        self._gathered = [each for each in self._gathered if not each[1].aside]
        self._kept = [*writes, *self._kept, *gathered]

    def _store(self, batch: Batch, deadline: float) -> None:
        """Commit a batch, or fail it. Raises FencedError."""
        start = time.perf_counter()
        attempt = self._attempt(batch)
        while True:
            began = time.monotonic()
            try:
                with self.link.in_use() as connection:
                    commit = attempt.run(connection)
            except psycopg.Error as error:
                if is_fence(error):
                    raise FencedError(one_line(error)) from None
                if self.link.recover(error):
                    attempt.in_doubt = True
                elif not attempt.in_doubt and error.sqlstate not in BUSY:
                    return self._refuse(batch, error, deadline)
                if began > deadline:
                    return self._give_up(batch, _problem(error))
                self.link.wait()
            except FencedError:
                raise
            except Exception as error:
                self.link.close()
                return self._fail(batch, _text(error)) if attempt.in_doubt else self._refuse(batch, error, deadline)
            else:
                self.link.succeed()
                self._hearing.add_own(commit, batch)
                return self._committed(len(batch), time.perf_counter() - start)

    def _attempt(self, batch: Batch) -> "Transaction | Publishing":
        token = next(self._tokens)
        drafts = [write for write in batch if isinstance(write, PendingPublish)]
        return Publishing(drafts, self._node, token) if drafts else Transaction(batch, self._node, token)

    def _refuse(self, batch: Batch, error: Exception, deadline: float) -> None:
        """Fail the write that is at fault, and store the others, each by itself. Nothing of the batch is stored."""
        if len(batch) > 1:
            for write in batch:
                self._store([write], deadline)
        else:
            self._fail(batch, _text(error))

    def _give_up(self, batch: Batch, problem: str) -> None:
        """Fail the writes for which somebody waits, and keep the others until the database is back.

        If a server did not store that a person has left, for example, other servers would show that person forever.
        """
        kept = [write for write in batch if write.aside and not self._is_ending]
        if kept:
            self._postpone(kept)
            self._retry_at = time.monotonic() + LONGEST_PAUSE
        self._fail([write for write in batch if write not in kept], problem)

    def _fail(self, batch: Batch, problem: str) -> None:
        self._loop.call_soon_threadsafe(fail, batch, StorageError(problem))


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(error)}"


def _problem(error: psycopg.Error) -> str:
    if error.sqlstate in BUSY:
        return "another server holds the lock of the room; run `doctor` to see which one"
    return f"no answer ({one_line(error)}); check that PostgreSQL runs"
