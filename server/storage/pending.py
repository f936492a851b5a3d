"""Work that waits for a database's threads: writes, and reads in a fair queue."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, cast

from server.rules.refusal import Refusal
from server.storage.base import StorageError
from server.storage.fair import FairQueue, QueueKey
from server.storage.sql import SqlConnection

log = logging.getLogger(__name__)

SOON_SECONDS = 0.01
"""How long a login waits for other writes to share its commit, which costs more than the login itself. Too short for a
user to notice."""
MAX_COMMIT = 100
"""Maximum number of writes in one commit. Bounds how long the first write of a burst waits, and how much data each
client is sent at once: 1,000 messages would exceed the limit of unread data, and disconnect everyone."""

Result = TypeVar("Result")
Work = Callable[[SqlConnection], Result]
Committed = Callable[[int, float], None]
"""Called after each commit, on the writer thread, with the number of writes and the duration in seconds."""


class PendingWrite(Generic[Result]):
    """One call of `Database.write`."""

    def __init__(self, work: Work[Result], loop: asyncio.AbstractEventLoop, *, aside: bool = False) -> None:
        """With `aside`, nobody waits for it."""
        self.future: asyncio.Future[Result] = loop.create_future()
        self.aside = aside
        self._work = work
        self.result: Result | Refusal | None = None

    def run(self, connection: SqlConnection) -> None:
        """Run the work, on the writer thread and within a transaction."""
        announced = len(connection.announced)
        try:
            self.result = self._work(connection)
        except Refusal as refusal:
            self.result = refusal
            del connection.announced[announced:]

    def done(self) -> None:
        """Complete the future, on the loop and after the commit."""
        if isinstance(self.result, Refusal):
            self.failed(self.result)
        elif not self.future.done():
            self.future.set_result(cast(Result, self.result))

    def failed(self, error: Exception) -> None:
        """Fail the future, on the loop; nothing was stored."""
        if not self.future.done():
            self.future.set_exception(error)


class WriteTurn:
    """Passes on the writes of one turn of the event loop together: a burst is one commit, and one write to each client.

    Writes that can wait are passed on with the next other writes, or after SOON_SECONDS.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, pass_on: Callable[[list[PendingWrite[object]]], None]) -> None:
        self._loop = loop
        self._pass_on = pass_on
        self._writes: list[PendingWrite[object]] = []
        self._ends_now = False
        self._ends_soon: asyncio.TimerHandle | None = None

    def write(self, work: Work[Result], *, soon: bool = False) -> "asyncio.Future[Result]":
        """Add a write. With `soon`, it can wait for others."""
        return self.add(PendingWrite(work, self._loop), soon=soon)

    def write_aside(self, work: Work[Result]) -> None:
        """Add a write for which nobody waits; a failure is logged."""
        self.add(PendingWrite(work, self._loop, aside=True)).add_done_callback(log_failure)

    def add(self, write: PendingWrite[Result], *, soon: bool = False) -> "asyncio.Future[Result]":
        """Add a pending write. With `soon`, it can wait for others."""
        self._writes.append(cast(PendingWrite[object], write))
        if soon:
            self._ends_soon = self._ends_soon or self._loop.call_later(SOON_SECONDS, self.end)
        elif not self._ends_now:
            self._ends_now = True
            self._loop.call_soon(self.end)
        return write.future

    def end(self) -> None:
        """Pass on the writes of the turn."""
        writes, self._writes = self._writes, []
        self._ends_now = False
        if self._ends_soon:
            self._ends_soon.cancel()
            self._ends_soon = None
        if writes:
            self._pass_on(writes)


def fail(batch: Sequence[PendingWrite[object]], error: StorageError) -> None:
    """Fail all of these writes, on the loop."""
    for write in batch:
        write.failed(error)


def log_failure(done: "asyncio.Future[Result]") -> None:
    """Log the failure of a write for which nobody waits."""
    if not done.cancelled() and (error := done.exception()):
        log.error("a write failed", extra={"error": str(error)})


class PendingRead(Generic[Result]):
    """One call of `Database.read`."""

    def __init__(self, work: Work[Result], loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[Result] = loop.create_future()
        self._work = work
        self._loop = loop

    def run(self, perform: Callable[[Work[Result]], Result]) -> None:
        """Run the work with `perform`, on the reader thread, unless the read was cancelled."""
        if self.future.cancelled():
            return
        try:
            result = perform(self._work)
        except Exception as error:
            self._loop.call_soon_threadsafe(self._fail, error)
        else:
            self._loop.call_soon_threadsafe(self._finish, result)

    def _finish(self, result: Result) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def _fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class ReadQueue:
    """The fair queue of the reader thread. Iteration waits for the next read; after `end`, it stops once empty."""

    def __init__(self) -> None:
        self._queue = FairQueue[PendingRead[object]]()
        self._changed = threading.Condition()
        self._ended = False

    def put(self, key: QueueKey, read: PendingRead[Result]) -> None:
        """Add a read. Raises StorageError after `end`."""
        with self._changed:
            if self._ended:
                raise StorageError("the database is closed")
            self._queue.put(key, cast(PendingRead[object], read))
            self._changed.notify()

    def end(self) -> None:
        """Stop the thread once the queue is empty."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def __iter__(self) -> Iterator[PendingRead[object]]:
        while read := self._next():
            yield read

    def _next(self) -> PendingRead[object] | None:
        with self._changed:
            while not self._queue:
                if self._ended:
                    return None
                self._changed.wait()
            return self._queue.get()
