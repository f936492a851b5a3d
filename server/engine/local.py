"""The messages of one node: one SQLite file, one writer thread, one commit for all that waits."""

import asyncio
import queue
import secrets
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from server.engine.base import Page, Published, StorageError, Subscriber
from server.rules import names
from server.rules.publications import Draft, Person, Publication

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE epoch (name TEXT NOT NULL) STRICT;
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    author_identity TEXT NOT NULL,
    channel TEXT NOT NULL,
    author_key TEXT NOT NULL,
    peer TEXT,
    peer_identity TEXT,
    peer_key TEXT,
    text TEXT NOT NULL,
    nonce TEXT
) STRICT;
CREATE INDEX message_channel ON message (channel, id) WHERE peer IS NULL;
CREATE INDEX message_sent ON message (author_identity, peer_key, id) WHERE peer IS NOT NULL;
CREATE INDEX message_received ON message (peer_identity, author_key, id) WHERE peer IS NOT NULL;
CREATE UNIQUE INDEX message_nonce ON message (author_identity, nonce) WHERE nonce IS NOT NULL;
"""
COLUMNS = "id, at, author, author_identity, channel, peer, peer_identity, text, nonce"
MAX_COMMIT = 1000
"""Messages in one commit; bounds how long the first of a burst waits for the others."""

Row = tuple[int, int, str, str, str, str | None, str | None, str, str | None]
Waiting = tuple[Draft, "asyncio.Future[Published]"]
Answer = TypeVar("Answer")


class LocalBroker:
    """A Broker over one SQLite file; make, use and close it on one event loop."""

    def __init__(self, path: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Open or create the file; StorageError if it cannot be used."""
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._subscribers: list[Subscriber] = []
        self._waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        try:
            self._writer = _open(path)
            self.epoch = _prepare(self._writer)
            (self.delivered,) = self._writer.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()
            self._reader = _open(path)
        except sqlite3.Error as error:
            raise StorageError(f"{path}: {error}") from None
        # One thread: a sqlite3 connection serves one caller at a time, and reads stay in the order they were asked.
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._thread = threading.Thread(target=self._write, name="writer", daemon=True)
        self._thread.start()

    def subscribe(self, subscriber: Subscriber) -> None:
        """See Broker."""
        self._subscribers.append(subscriber)

    def publish(self, draft: Draft) -> "asyncio.Future[Published]":
        """See Broker."""
        future: asyncio.Future[Published] = self._loop.create_future()
        self._waiting.put((draft, future))
        return future

    async def find(self, msg_id: int) -> Publication | None:
        """See Broker."""
        page = await self._page("id = ?", (msg_id,), 0, 1)
        return page.publications[0] if page.publications else None

    async def history(self, channel: str, before: int, limit: int) -> Page:
        """See Broker."""
        return await self._page("peer IS NULL AND channel = ?", (channel,), before, limit)

    async def conversation(self, person: Person, other: str, before: int, limit: int) -> Page:
        """See Broker."""
        key = names.key(other)
        sent = await self._page("author_identity = ? AND peer_key = ?", (person.identity, key), before, limit)
        received = await self._page("peer_identity = ? AND author_key = ?", (person.identity, key), before, limit)
        both = sorted({*sent.publications, *received.publications}, key=lambda publication: publication.msg_id)
        return Page(both[-limit:], sent.more or received.more or len(both) > limit)

    async def missed(self, person: Person, after: int, limit: int, before: int = 0) -> Page:
        """See Broker."""
        readable = "id > ? AND (peer IS NULL OR author_identity = ? OR peer_identity = ?)"
        return await self._page(readable, (after, person.identity, person.identity), before, limit)

    async def close(self) -> None:
        """Store what still waits, then let go of the file."""
        self._waiting.put(None)
        await self._loop.run_in_executor(self._reading, self._thread.join)
        self._reading.shutdown()
        self._reader.close()
        self._writer.close()

    async def _page(self, condition: str, values: Sequence[str | int], before: int, limit: int) -> Page:
        """The newest that meet the condition; one row more than asked tells whether there are others before them."""
        query = f"SELECT {COLUMNS} FROM message WHERE {condition} AND id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608 - ours
        newest = await self._read(query, (*values, before or 2**63 - 1, limit + 1))
        return Page(newest[:limit][::-1], len(newest) > limit)

    async def _read(self, query: str, values: Sequence[str | int]) -> list[Publication]:
        def read() -> list[Publication]:
            return [_publication(row) for row in self._reader.execute(query, values)]

        try:
            return await self._loop.run_in_executor(self._reading, read)
        except sqlite3.Error as error:
            raise StorageError(str(error)) from None

    def _write(self) -> None:
        """The writer thread: take all that waits, commit it at once, hand it back to the loop."""
        for batch in iter(self._gather, []):
            self._commit(batch)

    def _gather(self) -> list[Waiting]:
        """At least one that waits, and all others that do already; none once the broker is closed."""
        batch: list[Waiting] = []
        while (item := self._waiting.get()) is not None:
            batch.append(item)
            if len(batch) == MAX_COMMIT or self._waiting.empty():
                return batch
        if batch:
            self._waiting.put(None)
        return batch

    def _commit(self, batch: Sequence[Waiting]) -> None:
        at = self._clock()
        try:
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                results = [_insert(self._writer, draft, at) for draft, _ in batch]
        except Exception as error:
            # Whatever it was, the thread must live on for those who write next.
            self._loop.call_soon_threadsafe(_fail, batch, StorageError(f"{type(error).__name__}: {error}"))
        else:
            self._loop.call_soon_threadsafe(self._deliver, batch, results)

    def _deliver(self, batch: Sequence[Waiting], results: Sequence[Published]) -> None:
        fresh = [result.publication for result in results if result.fresh]
        self.delivered = max([self.delivered, *(publication.msg_id for publication in fresh)])
        for subscriber in self._subscribers if fresh else ():
            subscriber(fresh)
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)


def _fail(batch: Sequence[Waiting], error: StorageError) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)


def _open(path: str) -> sqlite3.Connection:
    # The threads take turns on their connection by construction, so sqlite3's own check would only be in the way.
    connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL: a confirmed message outlives a power cut too; the group commit pays for it once per burst.
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _prepare(connection: sqlite3.Connection) -> str:
    """Create the tables in a new file; the name of the epoch."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        epoch = f"INSERT INTO epoch VALUES ('{secrets.token_hex(8)}');"  # noqa: S608 - hexadecimal
        connection.executescript(f"BEGIN; {SCHEMA} {epoch} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT")
    elif version != SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"made by another version of Flagpost (schema {version}, here {SCHEMA_VERSION})")
    (epoch,) = connection.execute("SELECT name FROM epoch").fetchone()
    return str(epoch)


def _insert(connection: sqlite3.Connection, draft: Draft, at: datetime) -> Published:
    milliseconds, (peer, peer_identity) = int(at.timestamp() * 1000), draft.peer or (None, None)
    values = (milliseconds, *draft.author, draft.channel, peer, peer_identity, draft.text, draft.nonce)
    cursor = connection.execute(
        "INSERT INTO message"
        " (at, author, author_identity, channel, peer, peer_identity, text, nonce, author_key, peer_key)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*values, names.key(draft.author.name), names.key(peer) if peer else None),
    )
    if not cursor.rowcount:
        query = f"SELECT {COLUMNS} FROM message WHERE author_identity = ? AND nonce = ?"  # noqa: S608 - ours
        row: Row = connection.execute(query, (draft.author.identity, draft.nonce)).fetchone()
        return Published(_publication(row), fresh=False)
    return Published(_publication((cursor.lastrowid or 0, *values)), fresh=True)


def _publication(row: Row) -> Publication:
    msg_id, at, author, author_identity, channel, peer, peer_identity, text, nonce = row
    return Publication(
        msg_id,
        datetime.fromtimestamp(at / 1000, UTC),
        Person(author, author_identity),
        channel,
        Person(peer, peer_identity or "") if peer is not None else None,
        text,
        nonce,
    )
