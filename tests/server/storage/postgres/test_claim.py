"""A database function claims a place in the room, with the same results as single statements."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from server.protocol.frames import WhoEntry
from server.rules.messages import Person
from server.rules.ranks import Rank
from server.storage import presence
from server.storage.base import Joined
from server.storage.postgres.database import PostgresDatabase
from server.storage.presence import Outdated, PlaceRequest
from server.storage.sql import SqlConnection
from tests.support.postgres import SharedPostgres

Enter = Callable[[PlaceRequest, SqlConnection], Joined | Outdated]

AT = datetime(2026, 11, 24, 2, 57, 0, 125000, tzinfo=UTC)
TABLES = {
    "presence": "key, name, identity, session, number, rank, member, entry",
    "person": "identity, name, last_message, read_from",
    "held_name": "identity, name, held_at",
    "member": "identity, name",
    "room": "names_changed",
    "node": "names_changed",
}


def requests(random: Random, node: str) -> list[PlaceRequest]:
    """Return claims of a few people for a few names; some know too little."""
    return [
        PlaceRequest(
            Person(random.choice(["Ann", "ann", "Bób"]), random.choice(["1", "2", "3"])),
            node,
            number,
            WhoEntry("Ann", 1, f"status {number}"),
            random.choice(list(Rank)),
            random.random() < 0.3,
            random.random() < 0.5,
            random.choice([0, 1, 1]),
        )
        for number in range(40)
    ]


async def results(postgres: SharedPostgres, enter: Enter) -> list[str]:
    """Enter these; return the answers, what was announced, and what is stored, at one constant time."""
    with postgres.schema() as url:
        database = PostgresDatabase(url, clock=lambda: AT)
        node = database.node

        def work(connection: SqlConnection) -> list[str]:
            # Another server gave a name.
            connection.execute("INSERT INTO node (id, beat, names_changed) VALUES ('other', ?, 1)", (connection.now,))
            answers = [str(enter(request, connection)) for request in requests(Random(18), node)]
            query = "SELECT {1} FROM {0} ORDER BY {1}"
            stored = [str(connection.execute(query.format(*each)).fetchall()) for each in TABLES.items()]
            return [*answers, *map(str, connection.announced), *stored]

        try:
            return [each.replace(node, "NODE") for each in await database.write(work)]
        finally:
            await database.close()


async def test_function_has_the_results_of_single_statements(postgres: SharedPostgres) -> None:
    expected = await results(postgres, presence.enter_by_statements)
    assert any("Outdated" in each for each in expected)
    assert any("PersonLeft" in each for each in expected)
    assert await results(postgres, presence.enter) == expected
