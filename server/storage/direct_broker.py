"""A broker for a room that does not keep direct messages: it stores only those that wait for an absent recipient."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import TypeVar

from server.protocol import names, target
from server.rules.messages import (
    Keeping,
    MessageAccess,
    MessageDraft,
    Person,
    Publication,
    check_edit,
    check_takeback,
)
from server.rules.reactions import ReactionChange, check_reaction
from server.rules.refusal import Refusal
from server.storage import direct_messages
from server.storage.base import Page, Published, Reader, Recorder
from server.storage.broker import Broker
from server.storage.clock import moment
from server.storage.database import Database
from server.storage.events import DirectCleared, UnkeptChange, WaitingDelivered
from server.storage.fair import SERVER, QueueKey
from server.storage.sql import SqlConnection
from server.storage.unkept_messages import UnkeptMessages, with_text

Result = TypeVar("Result")


class DirectBroker(Broker):
    """A broker that holds direct messages in memory for a while, instead of storing them."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.unkept = UnkeptMessages()
        self._in_flight: dict[tuple[str, str | None], asyncio.Future[Published]] = {}
        database.hear(UnkeptChange, self._apply)
        database.hear(WaitingDelivered, self._add_delivered)
        database.hear(DirectCleared, self._clear)

    def publish(self, draft: MessageDraft, record: Recorder | None = None) -> "asyncio.Future[Published]":
        """See Broker."""
        if draft.keeping is Keeping.RECORDED or draft.withheld:
            return super().publish(draft, record)
        key = draft.author.identity, draft.nonce
        if draft.nonce and key in self._in_flight:
            return self._in_flight[key]
        try:
            before = self.unkept.resent(draft)
        except Refusal as refusal:
            return self._refuse(refusal)
        if before:
            return _done(Published(before, fresh=False))
        is_here = draft.keeping is Keeping.IN_MEMORY
        store = direct_messages.pass_on if is_here else direct_messages.publish_waiting
        future = self._store(partial(store, draft), record)
        if draft.nonce:
            self._in_flight[key] = future
            future.add_done_callback(lambda _: self._in_flight.pop(key))
        return future

    def take_back(self, msg_id: int, person: Person, access: MessageAccess) -> "asyncio.Future[Publication]":
        """See Broker."""
        if msg_id not in self.unkept:
            return super().take_back(msg_id, person, access)
        return self._change(msg_id, lambda before: UnkeptChange(check_takeback(before, person, access)))

    def react(self, change: ReactionChange, access: MessageAccess) -> "asyncio.Future[Publication]":
        """See Broker."""
        if change.msg_id not in self.unkept:
            return super().react(change, access)
        return self._change(change.msg_id, lambda before: UnkeptChange(check_reaction(before, change, access), change))

    def edit(
        self, msg_id: int, person: Person, text: str, access: MessageAccess, record: Recorder | None = None
    ) -> "asyncio.Future[Publication]":
        """See Broker."""
        if msg_id not in self.unkept:
            return super().edit(msg_id, person, text, access, record)

        def edit(before: Publication) -> UnkeptChange:
            check_edit(before, person, access, text)
            return UnkeptChange(with_text(before, text, moment(self._database.now())), edited=True)

        return self._change(msg_id, edit, record)

    async def find_all(self, msg_ids: Sequence[int], key: QueueKey = SERVER) -> list[Publication]:
        """See Broker."""
        held = self.unkept.find_all(msg_ids)
        if len(held) == len(msg_ids):
            return sorted(held, key=_number)
        stored = await super().find_all(msg_ids, key)
        return _ordered(stored, self.unkept.find_all(msg_ids))

    async def texts_by(self, reader: Reader, author: str, channel: str) -> list[tuple[int, str]]:
        """See Broker."""
        stored = await super().texts_by(reader, author, channel)
        return [*self.unkept.texts_by(reader, author, channel), *stored]

    async def numbers(self, reader: Reader, channel: str, before: int, limit: int) -> list[int]:
        """See Broker."""
        other, found = target.name_of(channel), await super().numbers(reader, channel, before, limit)
        held = self.unkept.between(reader, 0, before, other=names.key(other)) if other is not None else []
        return sorted({*found, *map(_number, held)})[-limit:] if held else found

    async def missed(self, reader: Reader, after: int, limit: int, before: int = 0) -> Page:
        """See Broker."""
        page = await super().missed(reader, after, limit, before)
        return _merged(page, self.unkept.between(reader, after, before), limit)

    async def received(self, reader: Reader, after: int, limit: int, before: int = 0) -> Page:
        """See Broker."""
        page = await super().received(reader, after, limit, before)
        wait = await self._database.read(partial(direct_messages.waiting, reader, before, limit), reader.queue_key)
        return _merged(page, [*wait.publications, *self.unkept.received(reader, after, before)], limit)

    def delivered_to(self, person: Person, msg_ids: Sequence[int]) -> None:
        """Forget the messages that waited for a person, and are delivered now."""
        self._database.write_aside(partial(direct_messages.delete_delivered, person.identity, msg_ids))

    def clear_direct(self, identity: str) -> "asyncio.Future[int]":
        """See Broker."""
        held = len(self.unkept.of(identity))
        return self._database.write(lambda connection: held + direct_messages.clear(identity, connection))

    def _change(
        self, msg_id: int, change: Callable[[Publication], UnkeptChange], record: Recorder | None = None
    ) -> "asyncio.Future[Publication]":
        """Change a message in memory, on every server."""
        try:
            changed = change(self.unkept.latest(msg_id))
        except Refusal as refusal:
            return self._refuse(refusal)

        def work(connection: SqlConnection) -> Publication:
            if record:
                record(connection, changed.publication)
            connection.announce(changed)
            return changed.publication

        self.unkept.begin(changed)
        future = self._database.write(work)
        future.add_done_callback(lambda _: self.unkept.give_up(changed))
        return future

    def _refuse(self, refusal: Refusal) -> "asyncio.Future[Result]":
        """Refuse a request, in order with the writes that began before it."""

        def refuse(_: SqlConnection) -> Result:
            raise refusal

        return self._database.write(refuse)

    def _apply(self, changes: Sequence[UnkeptChange]) -> None:
        if applied := [change for change in changes if self.unkept.apply(change)]:
            self._deliver(applied)

    def _add_delivered(self, delivered: Sequence[WaitingDelivered]) -> None:
        for publication in chain.from_iterable(each.publications for each in delivered):
            self.unkept.add(publication)

    def _clear(self, cleared: Sequence[DirectCleared]) -> None:
        for each in cleared:
            self.unkept.clear(each.identity)


def _merged(page: Page, held: Sequence[Publication], limit: int) -> Page:
    """Return a page together with the messages in memory that belong to it."""
    if not held:
        return page
    # Older messages than those of an incomplete page would be beyond a gap.
    start = page.publications[0].msg_id if page.more and page.publications else 0
    ordered = [each for each in _ordered(page.publications, held) if each.msg_id >= start]
    return Page(ordered[-limit:], page.more or len(ordered) > limit)


def _ordered(stored: Sequence[Publication], held: Sequence[Publication]) -> list[Publication]:
    """Return both in order, without duplicates: a message may have moved to memory since it was read."""
    both = {each.msg_id: each for each in (*stored, *held)}
    return [both[number] for number in sorted(both)]


def _number(publication: Publication) -> int:
    return publication.msg_id


def _done(result: Result) -> "asyncio.Future[Result]":
    future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future
