"""A room without messages for each test, in a SQLite file or in PostgreSQL."""

import sqlite3
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

from server.storage import schema as sqlite_schema
from server.storage.clock import Clock, utc_now
from server.storage.database import Database
from server.storage.postgres import schema as postgres_schema
from server.storage.postgres.connecting import connect
from server.storage.postgres.connection import PostgresConnection
from server.storage.postgres.database import PostgresDatabase
from server.storage.sqlite_connection import SqliteConnection
from server.storage.sqlite_database import SqliteDatabase

Connection = SqliteConnection | PostgresConnection

ON_SQLITE = pytest.mark.parametrize("connection", ["sqlite"], indirect=True)
"""Runs a test with the fixture `connection` on SQLite alone, because it executes thousands of statements."""


KEPT = {"room", "server", "message_changes"}
"""Tables of one row."""


class EmptyRoom(ABC):
    """A place for a room, which can be opened several times."""

    @abstractmethod
    def open(self, clock: Clock | None = None) -> Database:
        """Open it, as a server does."""


class SqliteRoom(EmptyRoom):
    """A file that does not exist yet."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def open(self, clock: Clock | None = None) -> Database:
        """See EmptyRoom."""
        return SqliteDatabase(str(self._file), clock=clock or utc_now)


class PostgresRoom(EmptyRoom):
    """A schema with tables; the tests of a worker share it, because a new one takes as long as ten tests."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.connection = connect(url, {})
        self._life = postgres_schema.prepare(self.connection.raw)

    def open(self, clock: Clock | None = None) -> Database:
        """See EmptyRoom."""
        return PostgresDatabase(self._url, clock=clock)

    def empty(self) -> None:
        """Delete everything, however it came here; numbers begin again."""
        self.connection.roll_back()
        self.connection.begin(0)
        deletions = [f"DELETE FROM {name};" for name in tables(self.connection) if name not in KEPT]
        self.connection.raw.execute(
            f"{''.join(deletions)} UPDATE room SET message = 0, trail = 0, news = 0, names_changed = 0".encode()
        )


def tables(connection: Connection) -> list[str]:
    """Return the names of the tables with the contents of a room."""
    if isinstance(connection, PostgresConnection):
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    else:
        query = "SELECT name FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    return [name for (name,) in connection.execute(query)]


def in_memory() -> SqliteConnection:
    """Open a room in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None, factory=SqliteConnection)
    sqlite_schema.prepare(connection)
    connection.begin(0)
    return connection
