"""Rooms without messages, on both kinds of database."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from server.storage.sqlite_connection import SqliteConnection
    from tests.support.empty_room import Connection, EmptyRoom, PostgresRoom
    from tests.support.postgres import SharedPostgres

ENGINES = ["sqlite", "postgres"]


@pytest.fixture(scope="session")
def postgres_room(postgres: "SharedPostgres") -> Iterator["PostgresRoom"]:
    """A room in PostgreSQL for all tests of a worker."""
    # Loaded only by the tests that need it.
    from tests.support.empty_room import PostgresRoom

    with postgres.schema() as url:
        room = PostgresRoom(url)
        yield room
        room.connection.raw.close()


@pytest.fixture(params=ENGINES)
def empty_room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["EmptyRoom"]:
    """A room that the test opens."""
    from tests.support.empty_room import SqliteRoom

    if request.param == "sqlite":
        yield SqliteRoom(tmp_path / "room.sqlite")
        return
    room: PostgresRoom = request.getfixturevalue("postgres_room")
    yield room
    room.empty()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator["SqliteConnection"]:
    """A room in a SQLite file."""
    from server.storage import schema

    with closing(schema.connect(str(tmp_path / "room.sqlite"))) as connection:
        schema.prepare(connection)
        yield connection


@pytest.fixture(params=ENGINES)
def connection(request: pytest.FixtureRequest) -> Iterator["Connection"]:
    """A connection to a room."""
    from tests.support.empty_room import in_memory

    if request.param == "sqlite":
        with closing(in_memory()) as connection:
            yield connection
        return
    room: PostgresRoom = request.getfixturevalue("postgres_room")
    # Without a transaction: in a long one, a row that changes often becomes slow.
    yield room.connection
    room.empty()
