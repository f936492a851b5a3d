"""The broker of a room, which stores, numbers and delivers messages."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from async_lru import alru_cache

from server.protocol import target
from server.protocol.frames import NewText, PlaceEntry, Reactions
from server.rules.messages import MessageAccess, MessageDraft, Person, Publication
from server.rules.reactions import ReactionChange
from server.storage import direct_messages, edits, history, message_rows, messages, read_markers, searches, withheld
from server.storage.base import (
    Found,
    Marker,
    Page,
    Published,
    Reader,
    Recent,
    Recorder,
    Search,
    Subscriber,
    Wanted,
)
from server.storage.clock import moment
from server.storage.database import Database
from server.storage.events import MessageChange, StoredChange
from server.storage.fair import SERVER, QueueKey
from server.storage.journal import call_all
from server.storage.sql import SqlConnection

RECENT = 8
"""Number of cached results of `recent`: people who join at the same time rarely need more different ones."""
ANYBODY = Reader(Person("", ""), ())


class Broker:
    """Stores, numbers and delivers messages. What it has delivered or confirmed survives a crash.

    Create it before anything is written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: list[Subscriber] = []
        self.epoch, self.delivered, *_ = database.room
        """The ID of the numbering, which changes if the database is replaced; and the number of the last message that
        was delivered to subscribers, or stored before the start (0 if there is none)."""
        self._recent = alru_cache(maxsize=RECENT)(self._read_recent)
        database.hear(StoredChange, self._deliver)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Deliver each new message and each change of a message to `subscriber`, once it is stored.

        Messages arrive in the order of their numbers. Messages and changes that follow each other in one commit are
        delivered in one call.
        """
        self._subscribers.append(subscriber)

    def publish(self, draft: MessageDraft, record: Recorder | None = None) -> "asyncio.Future[Published]":
        """Store a message. Completes after it was delivered to the subscribers. Raises StorageError.

        `record` is called for a fresh message, in the same transaction.
        """
        if draft.withheld:
            return self._store(partial(withheld.insert, draft), record)
        if record:
            return self._store(partial(messages.publish, draft), record)
        return self._database.publish(draft)

    def take_back(self, msg_id: int, person: Person, access: MessageAccess) -> "asyncio.Future[Publication]":
        """Delete a message of this person; an operator can delete anyone's.

        Completes after the change was delivered to the subscribers. Raises Refusal or StorageError.
        """

        def work(connection: SqlConnection) -> Publication:
            publication = messages.take_back(msg_id, person, access, connection.now, connection)
            connection.announce(StoredChange(publication))
            return publication

        return self._database.write(work)

    def react(self, change: ReactionChange, access: MessageAccess) -> "asyncio.Future[Publication]":
        """Add or remove a reaction; return the message as it was before. Otherwise like `take_back`."""

        def work(connection: SqlConnection) -> Publication:
            publication = messages.react(change, access, connection.now, connection)
            connection.announce(StoredChange(publication, change))
            return publication

        return self._database.write(work)

    def edit(
        self, msg_id: int, person: Person, text: str, access: MessageAccess, record: Recorder | None = None
    ) -> "asyncio.Future[Publication]":
        """Replace the text of a message of this person; `record` as in `publish`. Otherwise like `take_back`."""

        def work(connection: SqlConnection) -> Publication:
            publication = edits.edit(msg_id, person, text, access, connection.now, connection)
            if record and publication.edited_at == moment(connection.now):
                record(connection, publication)
            connection.announce(StoredChange(publication, edited=True))
            return publication

        return self._database.write(work)

    async def edited(self, reader: Reader, up_to: int, limit: int) -> list[NewText]:
        """Return the texts of edited messages up to `up_to` that the reader may read; the latest change first.

        Reads only slightly more than MAX_EDITED_BYTES.
        """
        return await self._database.read(partial(edits.edited, reader, up_to, limit), reader.queue_key)

    async def find_all(self, msg_ids: Sequence[int], key: QueueKey = SERVER) -> list[Publication]:
        """Return the messages with these numbers, in order; skip numbers without a message."""
        return await self._database.read(partial(message_rows.find_all, msg_ids), key)

    async def texts_by(self, reader: Reader, author: str, channel: str) -> list[tuple[int, str]]:
        """Return the numbers and texts of the latest messages by everyone who had this name, the latest first."""
        return await self._database.read(partial(history.texts_by, reader, author, channel), reader.queue_key)

    async def taken_back(self, reader: Reader, up_to: int, limit: int) -> list[int]:
        """Return the numbers of deleted messages up to `up_to` that the reader may read; the latest first."""
        return await self._database.read(partial(history.taken_back, reader, up_to, limit), reader.queue_key)

    async def reacted(self, reader: Reader, up_to: int, limit: int) -> list[Reactions]:
        """Return changed reactions to messages up to `up_to` that the reader may read; the latest change first.

        Reads only slightly more than MAX_REACTED_BYTES.
        """
        return await self._database.read(partial(history.reacted, reader, up_to, limit), reader.queue_key)

    async def history(self, reader: Reader, channel: str, before: int, limit: int) -> Page:
        """Return the newest messages of a channel with a number below `before` (0: no bound).

        For `@username`: those between the reader and everyone who has had that name.
        """
        other = target.name_of(channel)
        if other is None:
            work = partial(history.page, reader, history.IN_CHANNEL, (channel,), before, limit)
        else:
            work = partial(history.conversation, reader, other, before, limit)
        return await self._database.read(work, reader.queue_key)

    async def following(self, reader: Reader, channel: str, after: int, before: int, limit: int) -> Page:
        """Return the oldest messages above `after` and below `before` (0: no bound); `more`: there are newer ones."""
        other, span = target.name_of(channel), history.Span(after, before, forward=True)
        if other is None:
            work = partial(history.span_page, reader, history.IN_CHANNEL, (channel,), span, limit)
        else:
            work = partial(history.conversation_span, reader, other, span, limit)
        return await self._database.read(work, reader.queue_key)

    async def places(self, reader: Reader, before: int) -> list[PlaceEntry]:
        """Return the reader's channels that have messages below `before`, and their latest conversations."""
        return await self._database.read(partial(read_markers.places, reader, before), reader.queue_key)

    def mark_read(self, identity: str, marker: Marker) -> "asyncio.Future[Marker | None]":
        """Store how far a person has read; return None if nothing changed. Raises StorageError."""
        return self._database.write(partial(read_markers.update, identity, marker))

    async def numbers(self, reader: Reader, channel: str, before: int, limit: int) -> list[int]:
        """Return the numbers of the messages that `history` would return without its limit of bytes, in order."""
        other = target.name_of(channel)
        if other is None:
            work = partial(history.channel_numbers, reader, channel, before, limit)
        else:
            work = partial(history.conversation_numbers, reader, other, before, limit)
        return await self._database.read(work, reader.queue_key)

    async def recent(self, wanted: Wanted, before: int, changes: int) -> Recent:
        """Return the newest messages below `before` for a reader from whom nobody is hidden; cached if possible.

        The result includes at least the first `changes` changes of stored messages.
        """
        return await self._recent(wanted, before, changes)

    async def recent_for(self, reader: Reader, wanted: Wanted, before: int) -> Recent:
        """Return the newest messages below `before` that are not hidden from a reader."""
        return await self._database.read(partial(history.recent, reader, wanted, before), reader.queue_key)

    async def _read_recent(self, wanted: Wanted, before: int, changes: int) -> Recent:
        # Only part of the cache key: the read starts after the caller learned the number, so it sees these changes.
        del changes
        return await self.recent_for(ANYBODY, wanted, before)

    async def missed(self, reader: Reader, after: int, limit: int, before: int = 0) -> Page:
        """Return the newest readable messages with a number above `after` and below `before` (0: no bound)."""
        return await self._database.read(partial(history.missed, reader, after, before, limit), reader.queue_key)

    async def received(self, reader: Reader, after: int, limit: int, before: int = 0) -> Page:
        """Return the same as `missed`, but only direct messages to the reader."""
        values = (after, reader.person.identity)
        work = partial(history.page, reader, history.RECEIVED_AFTER, values, before, limit)
        return await self._database.read(work, reader.queue_key)

    def delivered_to(self, person: Person, msg_ids: Sequence[int]) -> None:
        """Forget direct messages that waited for a person and are delivered now. Does nothing here: all are kept."""

    def clear_direct(self, identity: str) -> "asyncio.Future[int]":
        """Delete all direct messages that a person sent or received; return how many. Raises StorageError."""
        return self._database.write(partial(direct_messages.clear, identity))

    async def search(self, reader: Reader, search: Search) -> Found:
        """Return the newest readable messages that match."""
        return await self._database.read(partial(searches.search, reader, search), reader.queue_key)

    def _store(
        self, store: Callable[[SqlConnection], Published], record: Recorder | None
    ) -> "asyncio.Future[Published]":
        """Store a message with this function; `record` as in `publish`."""

        def work(connection: SqlConnection) -> Published:
            published = store(connection)
            if record and published.fresh:
                record(connection, published.publication)
            return published

        return self._database.write(work)

    def _deliver(self, news: Sequence[MessageChange]) -> None:
        self.delivered = max(self.delivered, max(each.publication.msg_id for each in news))
        call_all(self._subscribers, news)
