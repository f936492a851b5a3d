"""The tail thread: reads the events of other servers, and records the heartbeats of this one."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import psycopg

from server.storage.events import Event, body_of
from server.storage.postgres import membership, news
from server.storage.postgres.connecting import DatabaseLink, one_line
from server.storage.postgres.connection import PostgresConnection
from server.storage.postgres.database_thread import DatabaseThread
from server.storage.postgres.hearing import Hearing, NewsRow
from server.storage.postgres.lock_use import LockUse
from server.storage.postgres.membership import BEAT_SECONDS, FencedError, SharedClock, Steadiness

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""Interval at which the thread looks for events even without a notification."""
READ_ROWS = 500
PRUNE_SECONDS = 60.0
MAX_ASIDE_BYTES = 7999
"""Maximum size of the payload of a notification."""


class Channels(NamedTuple):
    """The notification channels to which this server listens: its own for news, and one that all servers share."""

    news: str
    aside: str


class _Aside(NamedTuple):
    node: str
    kind: str
    body: str


def encode_aside(node: str, event: Event) -> str | None:
    """Encode an event as the payload of a notification; return None if it is too large."""
    text = msgspec.json.encode(_Aside(node, type(event).__name__, body_of(event)))
    return text.decode() if len(text) <= MAX_ASIDE_BYTES else None


class TailThread(DatabaseThread):
    """Reads events from this server's position on; notifications only wake the thread."""

    def __init__(
        self,
        node: str,
        link: DatabaseLink,
        hearing: Hearing,
        *,
        clock: SharedClock,
        lock_use: LockUse,
        channels: Channels,
        silent: Callable[[], None],
        fenced: Callable[[FencedError], None],
        is_down: Callable[[], bool],
    ) -> None:
        """`silent` is called if another server has sent no heartbeat for GONE_SECONDS; `is_down` is as in `probing`."""
        super().__init__("tail", link, fenced)
        self._node = node
        self._hearing = hearing
        self._clock = clock
        self._lock_use = lock_use
        self._channels = channels
        self._silent = silent
        self._is_down = is_down
        self._loop = asyncio.get_running_loop()
        self._ended = False
        self._must_read = True
        self._beat_at = self._prune_at = 0.0
        self._steadiness = Steadiness()
        self.others = 0
        """The number of other servers at the last heartbeat."""
        self.database_down = False
        """Whether the database was down for everyone at the last failure, unless a heartbeat succeeded since."""

    def end(self) -> None:
        """End the thread within POLL_SECONDS, or with the next notification."""
        self._ended = True

    def work(self) -> None:
        """See DatabaseThread."""
        while not self._ended:
            try:
                with self.link.in_use() as connection:
                    self._step(connection)
            except psycopg.Error as error:
                self._recover(error)
            else:
                self.link.succeed()

    def _step(self, connection: PostgresConnection) -> None:
        if time.monotonic() >= self._beat_at:
            self._beat(connection)
        while (self._must_read or self._hearing.behind) and not self._ended:
            self._must_read = self._read(connection)
        self._must_read = not self._wait(connection)

    def _recover(self, error: psycopg.Error) -> None:
        if not self.link.recover(error):
            log.error("the events of other servers cannot be read", extra={"error": one_line(error)})
        self._steadiness.fail()
        self.database_down = self._is_down()
        self._must_read = True
        self.link.wait()

    def _beat(self, connection: PostgresConnection) -> None:
        now, self.others, silent = membership.beat(connection, self._node, self._lock_use.longest)
        at = time.monotonic()
        self.database_down = False
        self._clock.learn(now)
        self._beat_at = at + BEAT_SECONDS
        if self._steadiness.succeed(at) and silent:
            self._loop.call_soon_threadsafe(self._silent)
        if at >= self._prune_at and not membership.prune(connection, now):
            self._prune_at = at + PRUNE_SECONDS

    def _read(self, connection: PostgresConnection) -> bool:
        """Read some events; return whether there may be more."""
        position = self._hearing.position
        found = connection.call(news.READ, [b"%d" % position.number, b"%d" % READ_ROWS])
        rows = _whole([news.from_row(row) for row in found])
        if rows and rows[0].number != position.number + 1:
            raise FencedError(membership.MISSED)
        self._hearing.add_read(rows)
        return len(found) == READ_ROWS

    def _wait(self, connection: PostgresConnection) -> bool:
        """Wait for a notification, or until the next poll; return whether there was one."""
        timeout = min(POLL_SECONDS, max(0.0, self._beat_at - time.monotonic()))
        woken = False
        for notification in connection.raw.notifies(timeout=timeout, stop_after=1):
            woken = True
            if notification.channel == self._channels.aside:
                self._hear_aside(notification.payload)
            elif notification.payload:
                self._hearing.know(int(notification.payload))
        return woken

    def _hear_aside(self, payload: str) -> None:
        node, kind, body = msgspec.json.decode(payload, type=_Aside)
        event = news.decode(kind, body) if node != self._node else None
        if event is not None:
            self._loop.call_soon_threadsafe(self._hearing.journal.pass_on, [event])


def _whole(rows: list[NewsRow]) -> list[NewsRow]:
    """Drop the rows of the last commit if some may be missing; they are read again."""
    if len(rows) < READ_ROWS or rows[0].at == rows[-1].at:
        return rows
    return [row for row in rows if row.at != rows[-1].at]
