"""Both kinds of database have the same tables, and servers that start together create them once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from server.storage.database import StoredRoom
from server.storage.postgres import schema
from server.storage.postgres.connecting import connect
from tests.support.empty_room import Connection, PostgresRoom, in_memory, tables

ONLY_IN_SQLITE = {"epoch", "search_index"}
"""The room has the epoch in its row; PostgreSQL's index is never behind."""
ONLY_IN_POSTGRES = {"room", "node", "presence", "news"}


def columns(connection: Connection) -> dict[str, set[str]]:
    """Return the columns of each table."""
    found: dict[str, Sequence[Sequence[object]]] = {
        table: connection.execute(f"SELECT * FROM {table} LIMIT 0").description or () for table in tables(connection)
    }
    return {table: {str(name) for name, *_ in described} for table, described in found.items()}


def test_both_kinds_of_database_have_the_same_columns(postgres_room: PostgresRoom) -> None:
    sqlite = in_memory()
    one, other = columns(sqlite), columns(postgres_room.connection)
    sqlite.close()
    assert {table: one[table] for table in one.keys() - ONLY_IN_SQLITE} == {
        table: other[table] for table in other.keys() - ONLY_IN_POSTGRES
    }


def test_servers_that_start_together_create_one_room(url: str) -> None:
    def start(_: int) -> StoredRoom:
        connection = connect(url, {})
        try:
            return schema.prepare(connection.raw)
        finally:
            connection.raw.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(start, range(4)))) == 1
