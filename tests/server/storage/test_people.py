"""Known people: a name stands for its newest holder, and only the latest are known."""

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from server.rules.messages import Person
from server.rules.relations import Relation
from server.storage.people import MAX_KNOWN, People
from server.storage.sqlite_database import SqliteDatabase


async def test_a_name_belongs_to_its_last_holder_also_after_a_restart(tmp_path: Path) -> None:
    times = count()
    database = SqliteDatabase(str(tmp_path / "room.sqlite"), clock=lambda: datetime.fromtimestamp(next(times), UTC))
    people = People(database)
    for person in (Person("Ada", "a-1"), Person("ada", "a-2"), Person("bob", "b-1")):
        await people.joined(person)
    assert people.find("ADA") == Person("ada", "a-2")
    assert people.find("carol") is None
    after = People(database)
    await after.load()
    assert (after.find("ada"), after.find("bob")) == (Person("ada", "a-2"), Person("bob", "b-1"))
    await database.close()


async def test_only_the_latest_people_are_known(tmp_path: Path) -> None:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    people = People(database)
    await people.joined(Person("ada", "a-1"))
    await people.joined(Person("bob", "b-1"))
    for each in range(MAX_KNOWN - 2):
        written = people.joined(Person(f"guest {each}", f"g-{each}"))
    await written
    assert people.find("ada")
    await people.joined(Person("ada", "a-1"))
    await people.joined(Person("carol", "c-1"))
    assert people.find("ada")
    assert people.find("bob") is None
    await database.close()


async def test_a_mute_ends_by_the_name_of_that_time_and_by_the_present_one(tmp_path: Path) -> None:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    people = People(database)
    for name in ("bob", "bob 2"):
        await people.relate(Relation("a-1", "b-1", "bob", blocked=False))
        await people.joined(Person("bob 2", "b-1"))
        await people.unrelate("a-1", name, blocked=False)
        assert list(people.relations.of("a-1")) == []
    await database.close()
