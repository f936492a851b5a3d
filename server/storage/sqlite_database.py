"""One SQLite file used by two threads: a writer, which commits all waiting work at once, and a reader."""

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from server.rules.messages import MessageDraft
from server.storage import indexing, messages, schema
from server.storage.base import Published, StorageError
from server.storage.clock import Clock, milliseconds, utc_now
from server.storage.database_file import Lock, OpenFiles, create_private, make_private
from server.storage.events import Event
from server.storage.fair import SERVER, QueueKey
from server.storage.journal import Journal, Kind
from server.storage.pending import (
    MAX_COMMIT,
    Committed,
    PendingRead,
    PendingWrite,
    ReadQueue,
    WriteTurn,
    fail,
)
from server.storage.sql import SqlConnection

log = logging.getLogger(__name__)

INDEX_EVERY = 1_000
"""Number of writes after which the search index is brought up to date, unless a pause in writing comes first."""
IDLE_SECONDS = 1.0
"""Time without a write after which the search index is brought up to date."""
INDEX_PAUSE_SECONDS = 0.1
"""Time between two steps of indexing: a step lasts about 10 ms, so indexing uses at most a tenth of the time."""

Result = TypeVar("Result")


class SqliteDatabase:
    """A Database in one file, which only one server uses."""

    node = ""

    def __init__(self, path: str, committed: Committed = lambda _size, _seconds: None, clock: Clock = utc_now) -> None:
        """Open or create the file. Raises StorageError."""
        self.lost: Callable[[], None] = lambda: None
        self._committed = committed
        self._clock = clock
        self._journal = Journal()
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[list[PendingWrite[object]] | None] = queue.SimpleQueue()
        self._turn = WriteTurn(self._loop, self._waiting.put)
        self._path = path
        self._problem: str | None = None
        """Why nothing is stored any more."""
        self._open(path)
        self._gathered: list[PendingWrite[object]] = []
        self._closed = False
        self._unindexed_writes = 0
        # At the start, the index may be behind.
        self._index_in: float | None = IDLE_SECONDS
        self._reads = ReadQueue()
        # One thread per connection, because a sqlite3 connection serves one caller at a time.
        self._reading = threading.Thread(target=self._run, args=(self._read,), name="reader", daemon=True)
        self._reading.start()
        self._thread = threading.Thread(target=self._run, args=(self._write,), name="writer", daemon=True)
        self._thread.start()

    def _open(self, path: str) -> None:
        """Lock the file, and open a connection for each thread. Raises StorageError."""
        self._lock = Lock(path)
        try:
            create_private(path)
            self._writer = schema.connect(path)
            make_private(path)
            self.room = schema.prepare(self._writer)
            self._reader = schema.connect(path)
            self._files = OpenFiles(path)
        except (sqlite3.Error, OSError) as error:
            self._lock.release()
            why = getattr(error, "strerror", None) or error
            raise StorageError(f"{path}: {why}; check the file, or set another one in the settings") from None

    def now(self) -> int:
        """See Database."""
        return milliseconds(self._clock())

    def hear(self, kind: type[Kind], listener: Callable[[Sequence[Kind]], None]) -> None:
        """See Database."""
        self._journal.hear(kind, listener)

    def announce_aside(self, event: Event) -> None:
        """See Database."""
        self._journal.pass_on([event])

    def write(self, work: Callable[[SqlConnection], Result]) -> "asyncio.Future[Result]":
        """See Database."""
        return self._turn.write(work)

    def write_soon(self, work: Callable[[SqlConnection], Result]) -> "asyncio.Future[Result]":
        """See Database."""
        return self._turn.write(work, soon=True)

    def write_aside(self, work: Callable[[SqlConnection], Result]) -> None:
        """See Database."""
        self._turn.write_aside(work)

    def publish(self, draft: MessageDraft) -> "asyncio.Future[Published]":
        """See Database."""
        return self.write(partial(messages.publish, draft))

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        read = PendingRead(work, self._loop)
        self._reads.put(key, read)
        try:
            return await read.future
        except sqlite3.Error as error:
            raise StorageError(str(error)) from None

    def health(self) -> None:
        """See Database."""

    async def close(self) -> None:
        """Finish all waiting work, then close the file."""
        self._turn.end()
        self._waiting.put(None)
        self._reads.end()
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._reading.join)
        self._reader.close()
        self._writer.close()
        self._lock.release()

    def _run(self, work: Callable[[], None]) -> None:
        """Run a thread. If it fails, the server ends: otherwise everything that needs the thread would wait forever."""
        try:
            work()
        except Exception:
            log.critical("a thread of the database failed, so the server ends; start it again", exc_info=True)
            self._loop.call_soon_threadsafe(self.lost)

    def _read(self) -> None:
        """Run the reader thread."""
        for read in self._reads:
            self._reader.now = self.now()
            read.run(self._perform)

    def _perform(self, work: Callable[[SqlConnection], object]) -> object:
        # After an error of the disk, a transaction may remain, in which all later reads would see the same old state.
        self._reader.rollback()
        return work(self._reader)

    def _write(self) -> None:
        """Run the writer thread: commit all waiting work at once, and return the results to the loop."""
        for batch in iter(self._gather, []):
            self._commit(batch)
            self._unindexed_writes += len(batch)
            self._index_in = IDLE_SECONDS
            if self._unindexed_writes >= INDEX_EVERY:
                self._index()

    def _gather(self) -> "list[PendingWrite[object]]":
        """Return the writes of the next commit; empty once the database is closed."""
        while not self._closed and len(self._gathered) < MAX_COMMIT:
            if self._gathered and self._waiting.empty():
                break
            turn = self._next()
            self._closed = turn is None
            self._gathered += turn or ()
        batch, self._gathered = self._gathered[:MAX_COMMIT], self._gathered[MAX_COMMIT:]
        return batch

    def _next(self) -> "list[PendingWrite[object]] | None":
        """Wait for the writes of a turn, and meanwhile bring the search index up to date."""
        while True:
            try:
                return self._waiting.get(timeout=self._index_in)
            except queue.Empty:
                self._index()

    def _index(self) -> None:
        """Index some more messages, or erase some more texts. A failure is retried after the next write."""
        self._unindexed_writes = 0
        self._index_in = None
        try:
            if indexing.step(self._writer):
                self._index_in = INDEX_PAUSE_SECONDS
        except Exception as error:
            log.error("the search index cannot be updated", extra={"error": str(error)})

    def _commit(self, batch: "Sequence[PendingWrite[object]]") -> None:
        start = time.perf_counter()
        try:
            if self._problem:
                raise StorageError(self._problem)
            # After an error of the disk, a transaction may remain.
            self._writer.rollback()
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                self._writer.begin(self.now())
                for work in batch:
                    work.run(self._writer)
            # A commit that the next start would not find must not be acknowledged.
            self._check_files()
        except StorageError as error:
            self._loop.call_soon_threadsafe(fail, batch, error)
        except sqlite3.OperationalError as error:
            # The disk is full, or the file is locked: all of the writes fail.
            failure = StorageError(f"{error}; free disk space, or find out which program locks {self._path}")
            self._loop.call_soon_threadsafe(fail, batch, failure)
        except Exception as error:
            if len(batch) > 1:
                # One of the writes is at fault; retry each by itself, so that the others succeed.
                for work in batch:
                    self._commit([work])
            else:
                failure = StorageError(f"{type(error).__name__}: {error}")
                self._loop.call_soon_threadsafe(fail, batch, failure)
        else:
            self._loop.call_soon_threadsafe(self._stored, batch, self._writer.announced)
            self._committed(len(batch), time.perf_counter() - start)

    def _stored(self, batch: "Sequence[PendingWrite[object]]", announced: Sequence[Event]) -> None:
        self._journal.pass_on(announced)
        for write in batch:
            write.done()

    def _check_files(self) -> None:
        """Raise StorageError if the open files were moved or deleted; then nothing is stored until a restart."""
        if problem := self._files.problem():
            self._problem = problem
            log.error("nothing is stored or acknowledged any more", extra={"problem": problem})
            raise StorageError(problem)
