"""The messages of one node, in one SQLite file."""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from functools import partial

from server.engine.base import Page, Published, Subscriber
from server.engine.clock import Clock, milliseconds, moment, utc_now
from server.engine.database import Database
from server.rules import names
from server.rules.publications import Draft, Person, Publication, check_takeback

COLUMNS = "id, at, author, author_identity, channel, peer, peer_identity, text, nonce, taken_back_at IS NOT NULL"
Row = tuple[int, int, str, str, str, str | None, str | None, str, str | None, int]


class LocalBroker:
    """A Broker over a Database; it is to be made before anything is written."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._subscribers: list[Subscriber] = []
        self.epoch, self.delivered = database.life

    def subscribe(self, subscriber: Subscriber) -> None:
        """See Broker."""
        self._subscribers.append(subscriber)

    def publish(self, draft: Draft) -> "asyncio.Future[Published]":
        """See Broker."""
        return self._database.write(partial(_insert, draft, self._clock), self._deliver)

    async def find(self, msg_id: int) -> Publication | None:
        """See Broker."""
        return await self._database.read(partial(_find, msg_id))

    async def find_all(self, msg_ids: Sequence[int]) -> list[Publication]:
        """See Broker."""
        query = f"SELECT {COLUMNS} FROM message WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"  # noqa: S608 - ours
        return await self._select(query, (json.dumps(list(msg_ids)),))

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

    def take_back(self, msg_id: int, person: Person) -> "asyncio.Future[Publication]":
        """See Broker."""
        return self._database.write(partial(_take_back, msg_id, person, self._clock), self._publish)

    async def taken_back(self, person: Person, up_to: int, limit: int) -> list[int]:
        """See Broker."""
        query = (
            "SELECT id FROM message WHERE taken_back_at IS NOT NULL AND id <= ?"
            " AND (peer IS NULL OR author_identity = ? OR peer_identity = ?) ORDER BY taken_back_at DESC LIMIT ?"
        )
        values = (up_to, person.identity, person.identity, limit)
        return await self._database.read(lambda connection: [row[0] for row in connection.execute(query, values)])

    async def _page(self, condition: str, values: Sequence[str | int], before: int, limit: int) -> Page:
        """The newest that meet the condition; one row more than asked tells whether there are others before them."""
        query = f"SELECT {COLUMNS} FROM message WHERE {condition} AND id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608 - ours
        newest = await self._select(query, (*values, before or 2**63 - 1, limit + 1))
        return Page(newest[:limit][::-1], len(newest) > limit)

    async def _select(self, query: str, values: Sequence[str | int]) -> list[Publication]:
        return await self._database.read(
            lambda connection: [_publication(row) for row in connection.execute(query, values)]
        )

    def _deliver(self, published: Published) -> None:
        if published.fresh:
            self.delivered = max(self.delivered, published.publication.msg_id)
            self._publish(published.publication)

    def _publish(self, publication: Publication) -> None:
        for subscriber in self._subscribers:
            subscriber(publication)


def _find(msg_id: int, connection: sqlite3.Connection) -> Publication | None:
    query = f"SELECT {COLUMNS} FROM message WHERE id = ?"  # noqa: S608 - ours
    row: Row | None = connection.execute(query, (msg_id,)).fetchone()
    return _publication(row) if row else None


def _take_back(msg_id: int, person: Person, clock: Clock, connection: sqlite3.Connection) -> Publication:
    publication = check_takeback(_find(msg_id, connection), person)
    connection.execute(
        "UPDATE message SET taken_back_at = coalesce(taken_back_at, ?) WHERE id = ?", (milliseconds(clock()), msg_id)
    )
    return publication


def _insert(draft: Draft, clock: Clock, connection: sqlite3.Connection) -> Published:
    at, (peer, peer_identity) = milliseconds(clock()), draft.peer or (None, None)
    values = (at, *draft.author, draft.channel, peer, peer_identity, draft.text, draft.nonce)
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
    return Published(_publication((cursor.lastrowid or 0, *values, 0)), fresh=True)


def _publication(row: Row) -> Publication:
    msg_id, at, author, author_identity, channel, peer, peer_identity, text, nonce, taken_back = row
    return Publication(
        msg_id,
        moment(at),
        Person(author, author_identity),
        channel,
        Person(peer, peer_identity or "") if peer is not None else None,
        text,
        nonce,
        bool(taken_back),
    )
