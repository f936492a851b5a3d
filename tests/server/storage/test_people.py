"""Known people: a name refers to its newest holder, and only the latest are known."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec import structs

from server.rules.messages import Person
from server.rules.relations import Relation
from server.storage import mutes_and_blocks, reports
from server.storage import people as people_module
from server.storage.events import RemovalRequested
from server.storage.fair import SERVER, QueueKey
from server.storage.people import People
from server.storage.reports import Submission
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase
from tests.support.empty_room import EmptyRoom
from tests.support.stored_reports import ALICE, BOB, TERMS, evidence

Result = TypeVar("Result")


async def test_the_removal_of_a_banned_person_is_requested_in_the_transaction_of_the_ban(tmp_path: Path) -> None:
    commits: list[int] = []
    heard: list[RemovalRequested] = []
    database = SqliteDatabase(str(tmp_path / "room.sqlite"), committed=lambda size, _: commits.append(size))
    people = People(database)
    database.hear(RemovalRequested, heard.extend)
    removal = RemovalRequested(BOB.identity, "", "You are banned.", "has been banned!", "Removed.")
    await people.ban(BOB, 1, ALICE.name, removal)
    assert heard == [removal]
    assert [ban.name for ban, _ in people.current_bans()] == [BOB.name]
    # Commits are counted on the writer's thread, which has ended then.
    await database.close()
    assert commits == [1]


async def test_a_name_belongs_to_its_last_holder_even_after_a_restart(empty_room: EmptyRoom) -> None:
    times = count()
    database = empty_room.open(lambda: datetime.fromtimestamp(next(times), UTC))
    people = People(database)
    for person in (Person("Ada", "a-1"), Person("ada", "a-2"), Person("bob", "b-1")):
        await people.joined(person)
    assert people.find("ADA") == Person("ada", "a-2")
    assert people.find("carol") is None
    after = People(database)
    await after.load()
    assert (after.find("ada"), after.find("bob")) == (Person("ada", "a-2"), Person("bob", "b-1"))
    await database.close()


async def test_only_the_latest_people_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = 100
    monkeypatch.setattr(people_module, "MAX_KNOWN", known)
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    people = People(database)
    await people.joined(Person("ada", "a-1"))
    await people.joined(Person("bob", "b-1"))
    for each in range(known - 2):
        written = people.joined(Person(f"guest {each}", f"g-{each}"))
    await written
    assert people.find("ada")
    await people.joined(Person("ada", "a-1"))
    await people.joined(Person("carol", "c-1"))
    assert people.find("ada")
    assert people.find("bob") is None
    await database.close()


async def test_a_mute_can_be_ended_by_the_earlier_or_the_present_name(empty_room: EmptyRoom) -> None:
    database = empty_room.open()
    people = People(database)
    for name in ("bob", "bob 2"):
        await people.relate(Relation("a-1", "b-1", "bob", blocked=False))
        await people.joined(Person("bob 2", "b-1"))
        await people.unrelate("a-1", name, blocked=False)
        assert list(people.relations.of("a-1")) == []
    await database.close()


@pytest.mark.parametrize("blocked", [False, True])
async def test_a_mute_or_block_that_ends_while_it_is_being_stored_has_ended(
    empty_room: EmptyRoom, blocked: bool
) -> None:
    """Otherwise a user who undoes a mute at once would have it for good."""
    database = empty_room.open()
    people = People(database)
    for ended, left in ((blocked, []), (not blocked, ["b-1"])):
        begun = people.relate(Relation("a-1", "b-1", "bob", blocked))
        await people.unrelate("a-1", "Bob", blocked=ended)
        await begun
        assert [each.other for each in people.relations.of("a-1")] == left
    await database.close()


class BusyDatabase(SqliteDatabase):
    """A database on which something else is stored after one of the reads, before its result is returned."""

    reads = 0
    meanwhile: tuple[int, Callable[[SqlConnection], object]] | None = None
    """The number of that read, and what is stored."""

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        found, self.reads = await super().read(work, key), self.reads + 1
        if self.meanwhile and self.reads == self.meanwhile[0]:
            await self.write(self.meanwhile[1])
        return found


@pytest.mark.parametrize("read", [1, 2, 3, 4])
async def test_a_block_that_ends_while_a_server_starts_has_ended(tmp_path: Path, read: int) -> None:
    """Another server of the room can lift a block between a read and the end of the start."""
    database = BusyDatabase(str(tmp_path / "room.sqlite"))
    block = Relation(ALICE.identity, BOB.identity, "bob", blocked=True)
    reported = structs.replace(evidence(), about="mallory", about_identity="m-1")
    await database.write(partial(mutes_and_blocks.begin, [block]))
    report = await database.write(partial(reports.submit, TERMS, Submission(ALICE, reported, None, add=False)))

    def end(connection: SqlConnection) -> None:
        mutes_and_blocks.end([block], connection)
        reports.withdraw(TERMS, report.id, ALICE, connection)

    people = People(database)
    database.meanwhile = read, end
    await people.load()
    assert database.reads == 4
    assert not people.relations.blocked_with(ALICE.identity)
    assert people.obstacle("mallory", "x-1") is None
    await database.close()


async def test_a_mute_outlives_the_block_that_the_site_lifts(tmp_path: Path) -> None:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    people, bob = People(database), Person("bob", "b-1")
    await people.set_site_blocks("a-1", [bob])
    assert [each.blocked for each in people.relations.of("a-1")] == [True]
    mute = Relation("a-1", bob.identity, bob.name, blocked=False)
    await people.relate(mute)
    await people.set_site_blocks("a-1", [])
    assert [each.blocked for each in people.relations.of("a-1")] == [False]
    await people.set_site_blocks("a-1", [bob])
    await people.set_site_blocks("a-1", [])
    assert not people.relations.of("a-1")
    await database.close()
