"""A command works on one snapshot of the database, and applies all of its changes or none."""

import argparse
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.operator import commands, report_commands
from server.operator.backup import backup
from server.operator.commands import CommandContext
from server.operator.printing import CommandError
from server.protocol.errors import OneLineError
from server.rules.relations import Relation
from server.rules.reports import StoredReport
from server.settings import Settings
from server.storage import mutes_and_blocks, personal_data, reports, schema, trail, webhook_state
from server.storage.clock import milliseconds
from server.storage.events import RelationsChanged
from server.storage.reports import Submission
from server.storage.sql import SqlConnection
from server.storage.sqlite_connection import SqliteConnection
from tests.support.stored_reports import ALICE, START, TERMS, evidence


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SqliteConnection]:
    """Open the connection of a running server."""
    with closing(schema.connect(str(tmp_path / "room.sqlite"))) as connection:
        schema.prepare(connection)
        yield connection


@pytest.fixture
def context(tmp_path: Path) -> CommandContext:
    return CommandContext(argparse.Namespace(), Settings(database=str(tmp_path / "room.sqlite")))


def test_a_command_reads_a_snapshot(server: SqliteConnection, context: CommandContext) -> None:
    """Otherwise new rows could replace missing ones in a verification."""
    with context.database() as connection:
        assert trail.rows(connection) == []
        report_something(server)
        assert trail.verify(connection) == (0, "")
    with context.database() as connection:
        assert trail.verify(connection)[0] == 1


def fail_half_way(connection: SqlConnection) -> None:
    """Fail after the first write."""
    webhook_state.pause(connection, "report", "half way")
    raise CommandError


def test_a_failed_command_changes_nothing(server: SqliteConnection, context: CommandContext) -> None:
    with pytest.raises(CommandError), context.database(write=True) as connection:
        fail_half_way(connection)
    assert webhook_state.suspension(server, "report") is None
    with context.database(write=True) as connection:
        webhook_state.pause(connection, "report", "all the way")
    assert webhook_state.suspension(server, "report") == (None, "all the way")


def test_an_invalid_database_is_an_error_of_one_line(context: CommandContext) -> None:
    Path(context.settings.database).write_bytes(b"no database" * 1000)
    with pytest.raises(CommandError, match=r"Database: .*not a database; run `doctor` for details"), context.database():
        pass


def test_reading_a_copy_does_not_change_it(server: SqliteConnection, context: CommandContext, tmp_path: Path) -> None:
    """Verifying a backup must not change it, and must work on read-only media."""
    report_something(server)
    copy = tmp_path / "copy.sqlite"
    backup(context.store, copy)
    before = copy.read_bytes()
    with context._replace(settings=Settings(database=str(copy))).database() as connection:
        assert trail.verify(connection)[0] == 1
    assert copy.read_bytes() == before


@pytest.mark.parametrize("content", ["'{}'", "CAST(x'7b1b5b33316dff' AS TEXT)"])
def test_a_damaged_row_is_an_error_of_one_line(server: SqliteConnection, context: CommandContext, content: str) -> None:
    report = report_something(server)
    server.execute(f"UPDATE trail SET content = {content}")
    with pytest.raises(CommandError, match="run `doctor` for details") as caught, context.database() as connection:
        report_commands.show_report(connection, report.id)
    assert "\x1b" not in str(caught.value)
    other = report_something(server, 8)
    with context.database() as connection:
        _, readable, unreadable = report_commands.listed(connection, 5).split("\n")
    assert readable.startswith(other.id)
    assert unreadable.startswith(report.id)
    assert "cannot be read; run `reports verify`" in unreadable


def test_an_invalid_value_is_an_error_of_one_line(server: SqliteConnection, context: CommandContext) -> None:
    report = report_something(server)
    server.execute("UPDATE report SET status = 'bogus'")
    with pytest.raises(CommandError, match="run `doctor` for details"), context.database() as connection:
        report_commands.show_report(connection, report.id)


@pytest.mark.parametrize("name", [".", "/", "x" * 300])
@pytest.mark.usefixtures("server")
def test_an_invalid_backup_file_is_an_error_of_one_line(context: CommandContext, name: str) -> None:
    with pytest.raises(OneLineError):
        backup(context.store, Path(name))


def test_erasing_a_person_notifies_servers_that_their_blocks_ended(
    server: SqliteConnection, context: CommandContext
) -> None:
    muted, blocked = Relation("a", "b", "bob", blocked=False), Relation("c", "a", "alice", blocked=True)
    server.begin(0)
    mutes_and_blocks.begin([muted, blocked, Relation("b", "c", "carol", blocked=True)], server)
    with context.database(write=True) as connection:
        personal_data.erase("a", connection.now, connection)
        assert connection.announced == [RelationsChanged(ended=(muted, blocked))]
    assert [each.identity for each in mutes_and_blocks.load(server)] == ["b"]


def report_something(connection: SqliteConnection, msg_id: int = 7) -> StoredReport:
    """Let Alice report a message."""
    connection.begin(milliseconds(START))
    return reports.submit(TERMS, Submission(ALICE, evidence(msg_id), None, add=False), connection)


@pytest.mark.parametrize(
    "command", ["backup", "migrate", "people erase", "webhook test", "webhook rotate", "webhook replay", "reports show"]
)
def test_help_explains_each_argument(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    commands.add_to(parser)
    with pytest.raises(SystemExit):
        parser.parse_args([*command.split(), "--help"])
    explained = capsys.readouterr().out.partition("positional arguments:")[2]
    assert re.findall(r"^  [A-Z]+$", explained, re.MULTILINE) == []
    assert re.search(r"^  [A-Z]+  +\w", explained, re.MULTILINE)


def test_verifying_an_empty_trail_prints_no_hash(server: SqliteConnection) -> None:
    assert report_commands.verify(server, None) == "0 rows, none altered."
