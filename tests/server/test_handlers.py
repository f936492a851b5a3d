"""What a person gets who enters while others speak: all of it, once, and each channel in its order."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.engine.base import Page, Published, Reader, Subscriber
from server.engine.company import Company
from server.engine.database import Database
from server.engine.local import LocalBroker
from server.handlers import HANDLERS
from server.hub import Hub
from server.protocol.codec import encode
from server.protocol.frames import Echo, Frame, Limits, Login, Me, Message, Say, Webhooks, Welcome, Who
from server.room import Room
from server.rules.publications import Draft, Person
from server.session import MAX_ASKED, Session
from server.settings import PublicChannel
from tests.support.outlet import RecordingOutlet

WELCOME = Welcome("e", "Room", [], Webhooks(report=False, profile=False), [], Limits())
ALICE = Person("alice", "a-1")
CHANNELS = [PublicChannel("lobby", "Lobby"), PublicChannel("tea", "Tea"), PublicChannel("quiet", "Quiet", (), 0)]


class BusyBroker(LocalBroker):
    """A broker in whose room somebody speaks just after the history of a channel was read."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.meanwhile: list[Draft] = []

    async def history(self, reader: Reader, channel: str, before: int, limit: int) -> Page:
        """Read, then store what is said meanwhile."""
        page = await super().history(reader, channel, before, limit)
        said, self.meanwhile = self.meanwhile, []
        for draft in said:
            await self.publish(draft)
        return page


class LateBroker(LocalBroker):
    """A broker whose messages are stored, and read by others, a while before they are handed out."""

    def subscribe(self, subscriber: Subscriber) -> None:
        """Keep what there is to hand out until `hand_out`."""
        self._late: list[Published] = []
        super().subscribe(subscriber)

    def _deliver(self, published: Published) -> None:
        self._late.append(published)

    async def stored(self) -> None:
        """Wait until something is stored."""
        async with asyncio.timeout(10):
            while not self._late:
                await asyncio.sleep(0.01)

    def hand_out(self) -> None:
        """Hand out all that was stored by now."""
        for published in self._late:
            super()._deliver(published)


def _room(broker: LocalBroker, database: Database) -> Room:
    company = Company(database)
    return Room(HANDLERS, WELCOME, CHANNELS, [], broker, company, None, None, Hub(company.relations))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    database = Database(str(tmp_path / "room.sqlite"))
    yield _room(BusyBroker(database), database)
    await database.close()


def receive(room: Room, session: Session, frame: Frame) -> None:
    """Let a frame come over the connection of a session."""
    room.received(session, encode(frame))


async def settle(room: Room) -> None:
    """Wait for what the room has under way."""
    async with asyncio.timeout(10):
        while room.tasks:
            await asyncio.gather(*room.tasks)


async def enter(room: Room, name: str) -> tuple[Session, RecordingOutlet]:
    """Log in, and wait until what came before was sent."""
    outlet = RecordingOutlet()
    session = Session(outlet)
    receive(room, session, Login(name))
    await settle(room)
    return session, outlet


def heard(outlet: RecordingOutlet) -> list[str]:
    """The texts of all messages, echoed ones included, in the order in which they came."""
    said: list[str] = []
    for frame in outlet.frames:
        if isinstance(frame, Echo):
            said += [message.message for message in frame.messages]
        elif isinstance(frame, Message):
            said.append(frame.message)
    return said


def to(channel: str, text: str) -> Draft:
    """Something that alice says in a channel."""
    return Draft(ALICE, channel, None, text, None)


async def test_what_is_said_while_the_recent_messages_are_read_comes_once(room: Room) -> None:
    broker = room.broker
    assert isinstance(broker, BusyBroker)
    await broker.publish(to("lobby", "before"))
    broker.meanwhile = [to("lobby", "meanwhile 1"), to("tea", "meanwhile 2"), to("lobby", "meanwhile 3")]
    _, outlet = await enter(room, "bob")
    assert sorted(heard(outlet)) == ["before", "meanwhile 1", "meanwhile 2", "meanwhile 3"]
    assert [text for text in heard(outlet) if text != "meanwhile 2"] == ["before", "meanwhile 1", "meanwhile 3"]


async def test_what_is_said_meanwhile_in_a_channel_without_echo_comes_too(room: Room) -> None:
    broker = room.broker
    assert isinstance(broker, BusyBroker)
    broker.meanwhile = [to("quiet", "quietly"), to("tea", "aloud")]
    _, outlet = await enter(room, "bob")
    assert sorted(heard(outlet)) == ["aloud", "quietly"]


async def test_a_direct_message_that_comes_meanwhile_is_not_lost(room: Room) -> None:
    broker = room.broker
    assert isinstance(broker, BusyBroker)
    outlet = RecordingOutlet()
    session = Session(outlet)
    receive(room, session, Login("bob"))
    assert session.person
    broker.meanwhile = [Draft(ALICE, "", session.person, "psst", None), to("tea", "aloud")]
    await settle(room)
    assert sorted(heard(outlet)) == ["aloud", "psst"]


async def test_what_was_echoed_before_it_was_handed_out_does_not_come_twice(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "room.sqlite"))
    broker = LateBroker(database)
    room = _room(broker, database)
    published = broker.publish(to("lobby", "hello"))
    await broker.stored()
    _, outlet = await enter(room, "bob")
    broker.hand_out()
    await published
    assert heard(outlet) == ["hello"]
    await database.close()


async def test_a_person_learns_their_name_and_who_is_there_before_anything_else(room: Room) -> None:
    await enter(room, "alice")
    _, outlet = await enter(room, "bob")
    me, who, echo = outlet.frames[:3]
    assert isinstance(me, Me)
    assert isinstance(who, Who)
    assert [entry.username for entry in who.who_list] == ["alice", "bob"]
    assert isinstance(echo, Echo)


async def test_a_session_that_asks_faster_than_it_is_answered_is_read_no_further(room: Room) -> None:
    session, outlet = await enter(room, "bob")
    for number in range(MAX_ASKED):
        receive(room, session, Say("lobby", str(number)))
    assert outlet.paused
    await room.broker.publish(to("lobby", "last"))
    await asyncio.sleep(0)
    assert not outlet.paused
    assert heard(outlet) == [*map(str, range(MAX_ASKED)), "last"]


async def test_work_that_is_under_way_is_waited_for_at_the_end(room: Room) -> None:
    outlet = RecordingOutlet()
    receive(room, Session(outlet), Login("bob"))
    assert room.tasks
    await room.drain()
    assert any(isinstance(frame, Echo) for frame in outlet.frames)
