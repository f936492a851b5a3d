"""Presence broadcasts: batched, in order, and hidden between people who blocked each other."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from server.ops.metrics import Traffic
from server.protocol.frames import Message, Presence, Who
from server.room.hub import Hub
from server.room.session import Session
from server.rules.dialects import EITHER, FLAGPOST, Dialect
from server.rules.messages import Person, Publication
from server.rules.ranks import Rank
from server.rules.relations import Relation, RelationIndex
from server.rules.tokens import Claims
from server.storage.events import StoredChange
from server.websocket.connection import MAX_UNSENT_BYTES
from tests.support.recording_outlet import RecordingOutlet

ADA, BOB, EVE = Person("ada", "a-1"), Person("bob", "b-1"), Person("eve", "e-1")


class Guest:
    """A session in a hub, and what it received."""

    def __init__(self, hub: Hub, person: Person, dialect: Dialect = FLAGPOST) -> None:
        self.outlet = RecordingOutlet()
        self.session = Session(self.outlet)
        self.session.dialect = dialect
        self.session.log_in(person)
        self.session.release()
        hub.join(self.session, person)
        self.listed = asyncio.create_task(hub.send_who_list(self.session))

    @property
    def lists(self) -> list[list[str]]:
        return [[entry.username for entry in frame.who_list] for frame in self.outlet.frames if isinstance(frame, Who)]

    @property
    def changes(self) -> list[tuple[str, bool]]:
        """Presence changes received: the name, and whether that person is here."""
        return [(one.username, one.who is not None) for one in self.outlet.frames if isinstance(one, Presence)]

    @property
    def texts(self) -> list[str]:
        return [frame.message for frame in self.outlet.frames if isinstance(frame, Message)]


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until a condition holds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


@pytest.fixture
def relations() -> RelationIndex:
    return RelationIndex()


async def test_a_newcomer_gets_the_who_list_and_only_changes_after_it(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    ada, bob = Guest(hub, ADA), Guest(hub, BOB)
    await asyncio.gather(ada.listed, bob.listed)
    eve = Guest(hub, EVE)
    await until(lambda: bool(ada.changes))
    assert ada.lists == bob.lists == [["ada", "bob"]]
    assert eve.lists == [["ada", "bob", "eve"]]
    assert ada.changes == bob.changes == [("eve", True)]
    assert eve.changes == []


async def test_presence_changes_are_broadcast_in_order(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    ada = Guest(hub, ADA)
    await ada.listed
    bob, eve = Guest(hub, BOB), Guest(hub, EVE)
    hub.leave(bob.session)
    await until(lambda: len(ada.changes) == 3)
    assert ada.changes == [("bob", True), ("eve", True), ("bob", False)]
    assert eve.lists == [["ada", "eve"]]


async def test_simultaneous_changes_are_gathered_for_clients_that_support_it(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    ada, guest = Guest(hub, ADA), Guest(hub, BOB, EITHER)
    await asyncio.gather(ada.listed, guest.listed)
    people = [Person(f"p{number}", f"p-{number}") for number in range(1_000)]
    for person in people:
        Guest(hub, person)
    await until(lambda: len(ada.changes) == len(guest.changes) == 1_000)
    assert ada.changes == guest.changes == [(person.name, True) for person in people]
    assert 1 < ada.outlet.gathered < 10
    assert guest.outlet.gathered == 0


async def test_a_late_block_applies_to_queued_presence_changes(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    ada, eve = Guest(hub, ADA), Guest(hub, EVE)
    await ada.listed
    bob = Guest(hub, BOB)
    relations.set(Relation(ADA.identity, BOB.identity, BOB.name, blocked=True))
    await until(lambda: bool(eve.changes))
    assert ada.changes == [("bob", False)]
    assert eve.changes == [("bob", True)]
    assert bob.lists == [["eve", "bob"]]


async def test_messages_of_one_commit_are_delivered_in_order(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    ada, eve = Guest(hub, ADA), Guest(hub, EVE)
    relations.set(Relation(EVE.identity, BOB.identity, BOB.name, blocked=False))
    said = [(1, ADA, None), (2, BOB, None), (3, ADA, EVE), (4, ADA, None)]
    hub.deliver(
        [
            StoredChange(Publication(number, datetime.now(UTC), author, "lobby", peer, str(number), None))
            for number, author, peer in said
        ]
    )
    assert ada.texts == ["1", "2", "3", "4"]
    assert eve.texts == ["1", "3", "4"]


async def test_a_direct_message_reaches_both_people_under_the_names_that_they_have_now(
    relations: RelationIndex,
) -> None:
    hub = Hub(relations, Traffic())
    renamed, impostor = Guest(hub, Person("bob 2", BOB.identity)), Guest(hub, Person("bob", "b-2"))
    eve = Guest(hub, EVE)
    hub.deliver([StoredChange(Publication(1, datetime.now(UTC), EVE, "", BOB, "psst", None))])
    assert (renamed.texts, impostor.texts, eve.texts) == (["psst"], [], ["psst"])
    hub.leave(renamed.session)
    assert hub.sessions_of(BOB.identity) == []


async def test_a_session_that_replaces_another_is_the_only_one_of_its_person(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    before, now = Guest(hub, BOB), Guest(hub, BOB)
    hub.leave(before.session)
    assert hub.sessions_of(BOB.identity) == [now.session]


class SlowOutlet(RecordingOutlet):
    """Reads a page of the who list only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def write(self, wire: bytes) -> None:
        super().write(wire)
        self.unsent += len(wire)
        self.largest = max(self.largest, self.unsent)


def crowd(hub: Hub, people: int) -> None:
    """Add people with long names, so that the who list is long."""
    for number in range(people):
        session = Session(RecordingOutlet())
        session.log_in(Person("𐍈" * 27 + str(number), str(number)))
        hub.join(session, session.logged_in_person)


async def test_a_who_list_of_thousands_is_sent_as_it_is_read_and_changes_follow_it(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    crowd(hub, 2_000)
    first, other, slow = Guest(hub, ADA), Guest(hub, BOB), SlowOutlet()
    await other.listed
    newcomer = Session(slow)
    newcomer.log_in(EVE)
    hub.join(newcomer, EVE)
    listed = asyncio.create_task(hub.send_who_list(newcomer))
    await until(lambda: bool(slow.unsent))
    hub.leave(first.session)
    await until(lambda: ("ada", False) in other.changes)

    def read() -> bool:
        slow.unsent = 0
        return listed.done()

    await until(read)
    lists = [frame for frame in slow.frames if isinstance(frame, Who)]
    assert sum(len(frame.who_list) for frame in lists) == 2_003
    assert [frame.more for frame in lists] == [True] * (len(lists) - 1) + [False]
    assert slow.largest < MAX_UNSENT_BYTES
    assert [frame.username for frame in slow.frames if isinstance(frame, Presence)] == ["ada"]
    assert isinstance(slow.frames[-1], Presence)


async def test_the_who_list_reflects_a_rank_that_changes_while_it_is_sent(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    crowd(hub, 600)
    bob, slow = Guest(hub, BOB), SlowOutlet()
    bob.session.set_rank(Rank.OPERATOR)
    bob.session.status = "hidden"
    hub.show_change(bob.session)
    newcomer = Session(slow)
    newcomer.log_in(EVE)
    hub.join(newcomer, EVE)
    listed = asyncio.create_task(hub.send_who_list(newcomer))
    await until(lambda: bool(slow.unsent))
    newcomer.set_rank(Rank.OPERATOR)
    hub.change_view(newcomer)

    def read() -> bool:
        slow.unsent = 0
        return listed.done()

    await until(read)
    names = [one.username for frame in slow.frames if isinstance(frame, Who) for one in frame.who_list]
    assert (len(names), names.count("bob")) == (601 + 602, 1)


async def test_a_hidden_operator_is_gone_for_everyone_but_operators(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    ada, eve = Guest(hub, ADA), Guest(hub, EVE)
    ada.session.set_rank(Rank.OPERATOR)
    bob = Guest(hub, BOB)
    bob.session.set_rank(Rank.OPERATOR)
    await asyncio.gather(ada.listed, bob.listed, eve.listed)
    bob.session.status = "hidden"
    hub.show_change(bob.session)
    late = Guest(hub, Person("late", "l-1"))
    await late.listed
    hub.leave(late.session)
    watcher = Guest(hub, Person("watcher", "w-1"))
    watcher.session.set_rank(Rank.OPERATOR)
    await watcher.listed
    async with asyncio.timeout(10):
        while ("bob", False) not in eve.changes:
            await asyncio.sleep(0.01)
    assert late.lists == [["ada", "eve", "late"]]
    assert watcher.lists == [["ada", "eve", "bob", "watcher"]]
    assert ("bob", False) not in ada.changes
    assert "bob" not in hub.names()
    seen = len(eve.changes)
    hub.leave(bob.session)
    await Guest(hub, Person("last", "z-1")).listed
    async with asyncio.timeout(10):
        while ("last", True) not in eve.changes:
            await asyncio.sleep(0.01)
    assert "bob" not in {name for name, _ in eve.changes[seen:]}


async def test_no_who_list_reveals_that_a_hidden_operator_left(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    eve, bob, watcher = Guest(hub, EVE, EITHER), Guest(hub, BOB), Guest(hub, ADA)
    for operator in (bob, watcher):
        operator.session.set_rank(Rank.OPERATOR)
    await asyncio.gather(eve.listed, bob.listed, watcher.listed)
    bob.session.status = "hidden"
    hub.show_change(bob.session)
    async with asyncio.timeout(10):
        while "bob" in eve.lists[-1]:
            await asyncio.sleep(0.01)
    before = len(eve.lists)
    hub.leave(bob.session)
    async with asyncio.timeout(10):
        while ("bob", False) not in watcher.changes:
            await asyncio.sleep(0.01)
    hub.leave(watcher.session)
    async with asyncio.timeout(10):
        while eve.lists[-1] != ["eve"]:
            await asyncio.sleep(0.01)
    assert len(eve.lists) == before + 1


async def test_a_secret_vip_is_seen_by_vips_only(relations: RelationIndex) -> None:
    hub = Hub(relations, Traffic())
    hub.configure((), vip_secret=True)
    members = [Guest(hub, ADA), Guest(hub, BOB)]
    members[0].session.set_claims(Claims(vip=True, nick="Ada L."))
    hub.show_change(members[0].session)
    await asyncio.gather(*(each.listed for each in members))
    listed = [
        [one.vip for one in frame.who_list]
        for each in members
        for frame in each.outlet.frames
        if isinstance(frame, Who)
    ]
    assert listed == [[True, False], [False, False]]
