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
        self.in_doubt = False
        """The batch may be stored, although its answer was lost."""
        self._requested: Commit | None = None
        """The commit that was requested last."""

    def run(self, connection: PostgresConnection) -> Commit:
        """Attempt the writes, unless an earlier attempt is stored. Raises FencedError, and any error of a write."""
        self.in_doubt = self.in_doubt and is_stored(self._token, self._node, connection)
        if self.in_doubt and self._requested:
            return self._requested
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
        self._requested = Commit(before, before + len(events), now, events)
        with connection.raw.pipeline():
            if events:
                connection.execute("SELECT store_news(?, ?, ?)", (self._node.id, now, news.encode(events)))
            connection.execute("COMMIT")
        self._node.lock_use.add(time.perf_counter() - locked_at)
        return self._requested


def is_stored(token: str, node: Node, connection: PostgresConnection) -> bool:
    """Return whether a batch is stored, once no earlier attempt is in progress. Raises FencedError."""
    (last,) = connection.execute("SELECT last_batch(?)", (node.id,)).fetchone()
    if last is None:
        raise FencedError("the other servers have removed this one")
    return bool(last == token)


def is_fence(error: psycopg.Error) -> bool:
    """Return whether the database refuses to write for this node."""
    return error.sqlstate == FENCED
