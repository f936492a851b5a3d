"""One transaction of the writer, which can be retried until it is known to be stored."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import psycopg

from server.storage.pending import PendingWrite
from server.storage.postgres import news
from server.storage.postgres.connection import PostgresConnection
from server.storage.postgres.functions import FENCED
from server.storage.postgres.hearing import Commit
from server.storage.postgres.lock_use import LockUse
from server.storage.postgres.membership import FencedError

Now = Callable[[], int | None]
"""Returns the time in milliseconds, or None to use the database's clock."""


class Node(NamedTuple):
    """The server that writes."""

    id: str
    now: Now
    lock_use: LockUse


class Transaction:
    """A batch of writes in one transaction."""

    def __init__(self, batch: Sequence[PendingWrite[object]], node: Node, token: str) -> None:
        """`token` identifies the batch, and is greater than the token of every earlier batch of this node."""
        self._batch = batch
        self._node = node
        self._token = token
        self._unanswered: Commit | None = None
        """A commit that was requested, but not confirmed."""

    def run(self, connection: PostgresConnection) -> Commit:
        """Attempt the writes, unless an earlier attempt is stored. Raises FencedError, and any error of a write."""
        if self._unanswered and self._is_stored(connection):
            return self._unanswered
        self._unanswered = None
        with connection.raw.pipeline():
            connection.execute("BEGIN")
            begun = connection.execute(
                "SELECT * FROM begin_write(?, ?, ?)", (self._node.id, self._token, self._node.now())
            )
        now, before = begun.fetchone()
        locked_at = time.perf_counter()
        connection.begin(now)
        for write in self._batch:
            write.run(connection)
        events = connection.announced
        self._unanswered = Commit(before, before + len(events), now, events)
        with connection.raw.pipeline():
            if events:
                connection.execute("SELECT store_news(?, ?, ?)", (self._node.id, now, news.encode(events)))
            connection.execute("COMMIT")
        self._node.lock_use.add(time.perf_counter() - locked_at)
        return self._unanswered

    def _is_stored(self, connection: PostgresConnection) -> bool:
        (last,) = connection.execute("SELECT last_batch(?)", (self._node.id,)).fetchone()
        if last is None:
            raise FencedError("the other servers have removed this one")
        return bool(last == self._token)


def is_fence(error: psycopg.Error) -> bool:
    """Return whether the database refuses to write for this node."""
    return error.sqlstate == FENCED
