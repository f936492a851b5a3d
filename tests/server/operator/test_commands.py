"""A command works on one state of the database, and leaves all of its work or none."""

import argparse
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.engine import outbox, schema, trail
from server.operator.commands import Desk
from server.operator.errors import CommandError
from server.rules.trail import Withdrawn
from server.settings import Settings


@pytest.fixture
def server(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The connection of a server that runs."""
    with closing(schema.connect(str(tmp_path / "room.sqlite"))) as connection:
        schema.prepare(connection)
        yield connection


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(argparse.Namespace(), Settings(database=str(tmp_path / "room.sqlite")))


def test_what_the_server_adds_meanwhile_is_not_seen(server: sqlite3.Connection, desk: Desk) -> None:
    """Or a proof could take rows that are added for rows that are gone."""
    with desk.database() as connection:
        assert trail.rows(connection) == []
        trail.append(server, "rep_1", 0, Withdrawn())
        assert trail.verify(connection) == (0, "")
    with desk.database() as connection:
        assert trail.verify(connection)[0] == 1


def fail_half_way(connection: sqlite3.Connection) -> None:
    """What a command does that fails after its first write."""
    outbox.pause(connection, "report", "half way")
    raise CommandError


def test_a_command_that_fails_leaves_nothing(server: sqlite3.Connection, desk: Desk) -> None:
    with pytest.raises(CommandError), desk.database(write=True) as connection:
        fail_half_way(connection)
    assert outbox.held(server, "report", 0) is None
    with desk.database(write=True) as connection:
        outbox.pause(connection, "report", "all the way")
    assert outbox.held(server, "report", 0) == (None, "all the way")


def test_a_database_that_is_none_is_said_in_one_line(desk: Desk) -> None:
    Path(desk.settings.database).write_bytes(b"no database" * 1000)
    with pytest.raises(CommandError, match=r"Database: .*not a database; `doctor` looks closer"), desk.database():
        pass
