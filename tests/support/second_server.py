"""A second server of a database: it can write, and receives all events later, as JSON."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from server.rules.messages import MessageDraft
from server.storage import messages
from server.storage.base import Published
from server.storage.database import NodeHealth
from server.storage.events import KINDS, Event, body_of, event_of
from server.storage.fair import SERVER, QueueKey
from server.storage.journal import Journal, Kind
from server.storage.pending import log_failure
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase

Result = TypeVar("Result")


class SecondDatabase:
    """A Database for a second server; create it before anything is written."""

    node = "second"

    def __init__(self, first: SqliteDatabase) -> None:
        self.lost: Callable[[], None] = lambda: None
        self.room = first.room
        self._first = first
        self._journal = Journal()
        self._news: list[tuple[str, str]] = []
        self._unheard: list[Callable[[], None]] = []
        self._running = 0
        for kind in KINDS.values():
            first.hear(kind, self._note)

    def now(self) -> int:
        """See Database."""
        return self._first.now()

    def hear(self, kind: type[Kind], listener: Callable[[Sequence[Kind]], None]) -> None:
        """See Database."""
        self._journal.hear(kind, listener)

    def announce_aside(self, event: Event) -> None:
        """See Database."""
        self._first.announce_aside(event)

    def write(self, work: Callable[[SqlConnection], Result]) -> "asyncio.Future[Result]":
        """Run the work on the first server's database. Completes once this server has caught up."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._running += 1
        self._first.write(work).add_done_callback(lambda done: self._unheard.append(partial(_complete, future, done)))
        return future

    def write_soon(self, work: Callable[[SqlConnection], Result]) -> "asyncio.Future[Result]":
        """See Database."""
        return self.write(work)

    def publish(self, draft: MessageDraft) -> "asyncio.Future[Published]":
        """See Database."""
        return self.write(partial(messages.publish, draft))

    def write_aside(self, work: Callable[[SqlConnection], Result]) -> None:
        """See Database."""
        self.write(work).add_done_callback(log_failure)

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        return await self._first.read(work, key)

    def health(self) -> NodeHealth | None:
        """See Database."""

    async def close(self) -> None:
        """Leave the database to the first server."""

    @property
    def behind(self) -> bool:
        """Return whether this server has yet to hear of something."""
        return bool(self._news or self._running)

    def catch_up(self) -> None:
        """Hear of everything that was committed, then complete the writes."""
        news, self._news = self._news, []
        self._journal.pass_on([event_of(kind, body) for kind, body in news])
        unheard, self._unheard = self._unheard, []
        for complete in unheard:
            self._running -= 1
            complete()

    def _note(self, events: Sequence[Event]) -> None:
        self._news += [(type(each).__name__, body_of(each)) for each in events]


def _complete(future: "asyncio.Future[Result]", done: "asyncio.Future[Result]") -> None:
    if future.done():
        return
    if error := done.exception():
        future.set_exception(error)
    else:
        future.set_result(done.result())
