"""Dispatch and login: messages sent during a login, delayed messages, and limits shared between connections."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.handlers.dispatch import Dispatcher
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import (
    Block,
    Echo,
    Error,
    Frame,
    HistoryRequest,
    Login,
    Me,
    Message,
    Mute,
    Ping,
    Pong,
    React,
    Relations,
    Say,
    SearchRequest,
    SetStatus,
    Takeback,
    Unblock,
    Unmute,
    Who,
)
from server.room.session import MAX_PENDING_REQUESTS, Session
from server.rules.messages import MessageDraft, Person
from server.settings import RoomLimits
from server.storage.base import Recent, Wanted
from server.storage.broker import Broker
from server.storage.events import MessageChange
from server.storage.sqlite_database import SqliteDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import UNLIMITED, dispatcher_over, enter, receive, settle

TOKEN = "a-token-of-16-or-more"
ALICE = Person("alice", "a-1")


class BusyBroker(Broker):
    """A broker that publishes messages just after the newest ones were read for a login."""

    def __init__(self, database: SqliteDatabase) -> None:
        super().__init__(database)
        self.meanwhile: list[MessageDraft] = []

    async def recent(self, wanted: Wanted, before: int, changes: int) -> Recent:
        """Read, then publish the messages in `meanwhile`."""
        recent = await super().recent(wanted, before, changes)
        said, self.meanwhile = self.meanwhile, []
        for draft in said:
            await self.publish(draft)
        return recent


class LateBroker(Broker):
    """A broker whose messages are stored, and can be read, some time before they are delivered."""

    def __init__(self, database: SqliteDatabase) -> None:
        """Defer deliveries until `hand_out`."""
        self._late: list[MessageChange] = []
        super().__init__(database)

    def _deliver(self, news: Sequence[MessageChange]) -> None:
        self._late += news

    async def stored(self) -> None:
        """Wait until something is stored."""
        async with asyncio.timeout(10):
            while not self._late:
                await asyncio.sleep(0.01)

    def hand_out(self) -> None:
        """Deliver everything stored so far."""
        super()._deliver(self._late)


class OrderedOutlet(RecordingOutlet):
    """Records the order of writes among the outlets that share the same list."""

    def __init__(self, order: list[str], name: str) -> None:
        super().__init__()
        self._order = order
        self._name = name

    def write(self, wire: bytes) -> None:
        """Record a write."""
        super().write(wire)
        self._order.append(self._name)


@asynccontextmanager
async def opened(directory: Path, limits: RoomLimits) -> AsyncIterator[Dispatcher]:
    """Open a dispatcher with these limits."""
    database = SqliteDatabase(str(directory / "room.sqlite"))
    yield dispatcher_over(BusyBroker(database), database, limits)
    await database.close()


@pytest.fixture
async def dispatcher(tmp_path: Path) -> AsyncIterator[Dispatcher]:
    async with opened(tmp_path, UNLIMITED) as dispatcher:
        yield dispatcher


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[Dispatcher]:
    """A dispatcher that allows two messages at once and delays two more by seconds."""
    async with opened(tmp_path, RoomLimits(messages_burst=2, messages_per_second=0.4)) as dispatcher:
        yield dispatcher


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[Dispatcher]:
    """A dispatcher that allows two messages at once and delays others briefly."""
    async with opened(tmp_path, RoomLimits(messages_burst=2, messages_per_second=100)) as dispatcher:
        yield dispatcher


async def settled(dispatcher: Dispatcher) -> None:
    """Wait until everything published so far is stored and delivered."""
    await dispatcher.broker.publish(to("quiet", "settled"))


def heard(outlet: RecordingOutlet) -> list[str]:
    """Return the texts of all messages, including echoed ones, in order of arrival."""
    said: list[str] = []
    for frame in outlet.frames:
        if isinstance(frame, Echo):
            said += [message.message for message in frame.messages if message.message != "settled"]
        elif isinstance(frame, Message) and frame.message != "settled":
            said.append(frame.message)
    return said


def to(channel: str, text: str) -> MessageDraft:
    """Return a message from alice to a channel."""
    return MessageDraft(ALICE, channel, None, text, None)


async def test_messages_sent_during_a_login_are_received_once(dispatcher: Dispatcher) -> None:
    broker = dispatcher.broker
    assert isinstance(broker, BusyBroker)
    await broker.publish(to("lobby", "before"))
    broker.meanwhile = [to("lobby", "meanwhile 1"), to("tea", "meanwhile 2"), to("lobby", "meanwhile 3")]
    _, outlet = await enter(dispatcher, "bob")
    assert sorted(heard(outlet)) == ["before", "meanwhile 1", "meanwhile 2", "meanwhile 3"]
    assert [text for text in heard(outlet) if text != "meanwhile 2"] == ["before", "meanwhile 1", "meanwhile 3"]


async def test_messages_sent_during_a_login_in_a_channel_without_echo_are_received(dispatcher: Dispatcher) -> None:
    broker = dispatcher.broker
    assert isinstance(broker, BusyBroker)
    broker.meanwhile = [to("quiet", "quietly"), to("tea", "aloud")]
    _, outlet = await enter(dispatcher, "bob")
    assert sorted(heard(outlet)) == ["aloud", "quietly"]


async def test_a_direct_message_sent_during_a_login_is_received(dispatcher: Dispatcher) -> None:
    broker = dispatcher.broker
    assert isinstance(broker, BusyBroker)
    outlet = RecordingOutlet()
    session = Session(outlet)
    receive(dispatcher, session, Login("bob"))
    assert session.person
    broker.meanwhile = [MessageDraft(ALICE, "", session.person, "psst", None), to("tea", "aloud")]
    await settle(dispatcher)
    assert sorted(heard(outlet)) == ["aloud", "psst"]


async def test_a_message_echoed_before_its_delivery_is_not_received_twice(tmp_path: Path) -> None:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    broker = LateBroker(database)
    dispatcher = dispatcher_over(broker, database)
    published = broker.publish(to("lobby", "hello"))
    await broker.stored()
    _, outlet = await enter(dispatcher, "bob")
    broker.hand_out()
    await published
    assert heard(outlet) == ["hello"]
    await database.close()


async def test_a_login_receives_the_name_and_the_who_list_first(dispatcher: Dispatcher) -> None:
    await enter(dispatcher, "alice")
    _, outlet = await enter(dispatcher, "bob")
    me, who, echo = outlet.frames[:3]
    assert isinstance(me, Me)
    assert isinstance(who, Who)
    assert [entry.username for entry in who.who_list] == ["alice", "bob"]
    assert isinstance(echo, Echo)


async def test_reading_is_paused_while_a_session_has_too_many_unanswered_requests(dispatcher: Dispatcher) -> None:
    session, outlet = await enter(dispatcher, "bob")
    for number in range(MAX_PENDING_REQUESTS):
        receive(dispatcher, session, Say("lobby", str(number)))
    assert outlet.paused
    await dispatcher.broker.publish(to("lobby", "last"))
    await asyncio.sleep(0)
    assert not outlet.paused
    assert heard(outlet) == [*map(str, range(MAX_PENDING_REQUESTS)), "last"]


@pytest.mark.parametrize("frame", [Mute("alice"), Block("alice"), Unmute("alice"), Unblock("alice")])
async def test_mutes_and_blocks_count_as_pending_requests_until_they_are_stored(
    dispatcher: Dispatcher, frame: Frame
) -> None:
    await enter(dispatcher, "alice")
    session, outlet = await enter(dispatcher, "bob")
    for _ in range(MAX_PENDING_REQUESTS):
        receive(dispatcher, session, frame)
    assert outlet.paused
    await dispatcher.broker.publish(to("lobby", "last"))
    await asyncio.sleep(0)
    assert not outlet.paused
    assert sum(isinstance(each, Relations) for each in outlet.frames) == MAX_PENDING_REQUESTS


def sent(outlet: RecordingOutlet, code: ErrorCode) -> list[str | None]:
    """Return the nonces of all errors with this code."""
    return [frame.nonce for frame in outlet.frames if isinstance(frame, Error) and frame.code == code]


async def test_messages_beyond_the_rate_are_delayed_and_reading_is_paused(slow: Dispatcher) -> None:
    session, outlet = await enter(slow, "bob")
    for number in range(6):
        receive(slow, session, Say("lobby", str(number), f"n-{number}"))
    receive(slow, session, Ping())
    assert outlet.paused
    await settled(slow)
    assert heard(outlet) == ["0", "1"]
    assert not [frame for frame in outlet.frames if isinstance(frame, Pong)], "nothing overtakes delayed messages"
    assert sent(outlet, ErrorCode.TOO_FAST) == ["n-4", "n-5"]


async def test_delayed_messages_keep_their_order(quick: Dispatcher) -> None:
    session, outlet = await enter(quick, "bob")
    for number in range(20):
        receive(quick, session, Say("lobby", str(number)))
    receive(quick, session, Ping())
    async with asyncio.timeout(10):
        while outlet.paused:
            await asyncio.sleep(0.01)
    await settled(quick)
    assert heard(outlet) == [str(number) for number in range(20)]
    assert any(isinstance(frame, Pong) for frame in outlet.frames)


@pytest.mark.parametrize(
    "frame",
    [React(1, "👻"), Takeback(1), SetStatus("away")] + [kind("alice") for kind in (Mute, Unmute, Block, Unblock)],
    ids=lambda frame: type(frame).__name__,
)
async def test_every_broadcast_action_counts_as_a_message(slow: Dispatcher, frame: Frame) -> None:
    session, outlet = await enter(slow, "bob")
    for number in range(4):
        receive(slow, session, Say("lobby", str(number)))
    receive(slow, session, frame)
    assert [each.code for each in outlet.frames if isinstance(each, Error)] == [ErrorCode.TOO_FAST]


async def test_a_history_request_waits_for_at_most_one_search_of_another_session(dispatcher: Dispatcher) -> None:
    order: list[str] = []
    searcher, reader = Session(OrderedOutlet(order, "found")), Session(OrderedOutlet(order, "history"))
    for session, name in ((searcher, "bob"), (reader, "carol")):
        receive(dispatcher, session, Login(name))
    await settle(dispatcher)
    order.clear()
    for number in range(20):
        receive(dispatcher, searcher, SearchRequest("word", f"n-{number}"))
    receive(dispatcher, reader, HistoryRequest("lobby", "n"))
    await settle(dispatcher)
    assert len(order) == 21
    assert order.index("history") <= 2


async def test_connections_of_one_person_share_a_rate_limit(slow: Dispatcher) -> None:
    one, first = await enter(slow, "bob", TOKEN)
    other, second = await enter(slow, "bobby", TOKEN)
    alice, third = await enter(slow, "alice")
    for number in range(4):
        receive(slow, one, Say("lobby", str(number)))
    receive(slow, other, Say("lobby", "more", "n-1"))
    receive(slow, alice, Say("lobby", "me too", "n-2"))
    await settled(slow)
    assert not sent(first, ErrorCode.TOO_FAST)
    assert sent(second, ErrorCode.TOO_FAST) == ["n-1"]
    assert "me too" in heard(third)


async def test_reconnecting_does_not_reset_the_rate_limit(slow: Dispatcher) -> None:
    session, outlet = await enter(slow, "bob", TOKEN)
    for number in range(4):
        receive(slow, session, Say("lobby", str(number)))
    again, outlet = await enter(slow, "bob", TOKEN)
    receive(slow, again, Say("lobby", "again", "n-1"))
    assert sent(outlet, ErrorCode.TOO_FAST) == ["n-1"]


async def test_delayed_messages_of_a_replaced_session_are_dropped(quick: Dispatcher) -> None:
    session, outlet = await enter(quick, "bob", TOKEN)
    for number in range(20):
        receive(quick, session, Say("lobby", str(number)))
    _, new = await enter(quick, "bob", TOKEN)
    assert outlet.closed == [CloseCode.REPLACED]
    await asyncio.sleep(0.3)
    await settled(quick)
    assert heard(new) == ["0", "1"]


async def test_drain_waits_for_running_tasks(dispatcher: Dispatcher) -> None:
    outlet = RecordingOutlet()
    receive(dispatcher, Session(outlet), Login("bob"))
    assert dispatcher.tasks
    await dispatcher.drain()
    assert any(isinstance(frame, Echo) for frame in outlet.frames)
