"""A room in PostgreSQL: three threads of each server, which write, read, and receive the events of all servers."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import psycopg

from server.rules.messages import MessageDraft
from server.storage import presence
from server.storage.base import Published, StorageError
from server.storage.clock import Clock, milliseconds
from server.storage.database import NodeHealth
from server.storage.events import Event
from server.storage.fair import SERVER, QueueKey
from server.storage.journal import Kind
from server.storage.pending import Committed, PendingRead, WriteTurn
from server.storage.postgres import membership, probing, schema
from server.storage.postgres.connecting import DatabaseLink, Parameters, connect, one_line, opening_problem
from server.storage.postgres.connection import PostgresConnection
from server.storage.postgres.hearing import Hearing, Position
from server.storage.postgres.membership import FencedError, SharedClock
from server.storage.postgres.publishing import PendingPublish
from server.storage.postgres.reader import ReaderThread
from server.storage.postgres.tail import Channels, TailThread, encode_aside
from server.storage.postgres.writer import WriterThread
from server.storage.sql import SqlConnection

log = logging.getLogger(__name__)

Result = TypeVar("Result")

WRITING = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    # A server that stops within a transaction blocks the room for this long.
    "idle_in_transaction_session_timeout": "3s",
}
READING = {
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "10s",
    # This thread writes nothing but notifications, which may be lost.
    "synchronous_commit": "off",
}
WATCH_SECONDS = 1.0
"""Interval of looking for connections that have been silent for too long."""
LISTENING = {"statement_timeout": "10s", "lock_timeout": "2s"}


class PostgresDatabase:
    """A Database in PostgreSQL, which several servers share."""

    def __init__(
        self, url: str, committed: Committed = lambda _size, _seconds: None, clock: Clock | None = None
    ) -> None:
        """Connect, and create or upgrade the tables. `clock` replaces the database's clock. Raises StorageError."""
        self._url = url
        self._loop = asyncio.get_running_loop()
        self._fixed_clock = clock
        self._clock = SharedClock()
        self._is_fenced = False
        self.lost: Callable[[], None] = lambda: None
        """See Database. Called on the loop."""
        try:
            self._hearing = Hearing(self._loop, self._enter())
            self._create_threads(committed)
        except psycopg.Error as error:
            raise StorageError(opening_problem(url, error)) from None
        self._turn = WriteTurn(self._loop, self._writer.put)
        for thread in (self._writer, self._reader, self._tail):
            thread.start()
        self._watch = self._loop.call_later(WATCH_SECONDS, self._cut_silent)

    def _enter(self) -> Position:
        """Prepare the tables, and enter the room; return the position at which to start reading events."""
        connection = connect(self._url, {})
        try:
            room = schema.prepare(connection.raw)
            self.node, position, last_message = membership.enter(connection)
            self.room = room._replace(last_message=last_message)
            channels = connection.execute("SELECT channel(?), channel('aside')", (self.node,)).fetchone()
            self._channels = Channels(*channels)
            self._clock.learn(membership.beat(connection, self.node).now)
        finally:
            connection.raw.close()
        return position

    def _create_threads(self, committed: Committed) -> None:
        """Create the threads, each with a connection. Raises psycopg.Error."""
        self._writer = WriterThread(
            self.node,
            DatabaseLink(partial(self._connect, WRITING)),
            self._hearing,
            now=self._fixed_now,
            committed=committed,
            fenced=self._fence,
        )
        self._reader = ReaderThread(DatabaseLink(partial(self._connect, READING)), self.now, self._fence)
        self._tail = TailThread(
            self.node,
            DatabaseLink(self._listen),
            self._hearing,
            clock=self._clock,
            lock_use=self._writer.lock_use,
            channels=self._channels,
            silent=partial(self.write_aside, presence.expire),
            fenced=self._fence,
            is_down=partial(probing.is_down, self._url),
        )

    def now(self) -> int:
        """See Database."""
        fixed = self._fixed_now()
        return self._clock.now() if fixed is None else fixed

    def hear(self, kind: type[Kind], listener: Callable[[Sequence[Kind]], None]) -> None:
        """See Database."""
        self._hearing.journal.hear(kind, listener)

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
        return self._turn.add(PendingPublish(draft, self._loop))

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        read = PendingRead(work, self._loop)
        self._reader.put(key, read)
        try:
            return await read.future
        except psycopg.Error as error:
            # Without a SQLSTATE, libpq raised it, not the server.
            advice = "" if error.sqlstate else "; check that PostgreSQL runs"
            raise StorageError(f"{one_line(error)}{advice}") from None

    def announce_aside(self, event: Event) -> None:
        """See Database."""
        self._hearing.journal.pass_on([event])
        if self._tail.others and (payload := encode_aside(self.node, event)):
            self._notify(self._channels.aside, payload)

    def health(self) -> NodeHealth:
        """See Database."""
        locks, behind = self._writer.lock_use, self._hearing.behind
        return NodeHealth(
            beat_age=self._clock.age,
            locks=locks.count,
            locked=locks.seconds,
            longest_lock=locks.longest,
            news_behind=behind,
            news_age=max(0, self._clock.now() - self._hearing.position.at) / 1000 if behind else 0.0,
            fenced=self._is_fenced,
            database_down=self._tail.database_down,
        )

    async def close(self) -> None:
        """See Database. Other servers remove this one only later, so that no user seems to leave during a restart."""
        self._turn.end()
        self._writer.end()
        await asyncio.to_thread(self._writer.join)
        self._tail.end()
        self._notify(self._channels.news, "")
        self._reader.end()
        await asyncio.to_thread(self._reader.join)
        await asyncio.to_thread(self._tail.join)
        self._watch.cancel()

    def _cut_silent(self) -> None:
        for thread in (self._writer, self._reader, self._tail):
            thread.link.cut_if_silent()
        self._watch = self._loop.call_later(WATCH_SECONDS, self._cut_silent)

    def _fixed_now(self) -> int | None:
        return milliseconds(self._fixed_clock()) if self._fixed_clock else None

    def _connect(self, parameters: Parameters) -> PostgresConnection:
        connection = connect(self._url, parameters)
        try:
            membership.check_history(connection, self.room.epoch, self._hearing.position)
        except BaseException:
            connection.raw.close()
            raise
        return connection

    def _listen(self) -> PostgresConnection:
        connection = self._connect(LISTENING)
        for channel in self._channels:
            connection.raw.execute(f"LISTEN {channel}".encode())
        return connection

    def _notify(self, channel: str, payload: str) -> None:
        """Send a notification, which may be lost."""
        notify = "SELECT pg_notify(?, ?)"
        read = PendingRead(lambda connection: connection.execute(notify, (channel, payload)), self._loop)
        read.future.add_done_callback(lambda future: future.exception())
        self._reader.put(SERVER, read)

    def _fence(self, fenced: FencedError) -> None:
        """Stop this server. Can be called on any thread."""
        self._loop.call_soon_threadsafe(self._lose, fenced)

    def _lose(self, fenced: FencedError) -> None:
        if not self._is_fenced:
            self._is_fenced = True
            log.critical(
                "this server no longer belongs to the room and ends; start it again", extra={"reason": str(fenced)}
            )
            self.lost()
