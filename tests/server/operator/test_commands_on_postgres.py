"""Each command has the same output and the same effect on both kinds of database."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from server.__main__ import _parser as parser
from server.operator import commands
from server.operator.migrate import migrate
from server.protocol.errors import OneLineError
from server.settings import load
from server.storage.opening import open_store
from tests.server.operator.test_migrate import written
from tests.support.postgres import SharedPostgres
from tests.support.server_process import write_settings

COMMANDS = (
    ["webhook", "list"],
    ["webhook", "deliveries"],
    ["webhook", "deliveries", "--failed", "--limit", "1"],
    ["webhook", "replay", "{delivered}"],
    ["webhook", "replay", "nothing"],
    ["webhook", "pause", "report"],
    ["webhook", "list"],
    ["webhook", "resume", "report"],
    ["webhook", "pause", "nobody"],
    ["reports", "list"],
    ["reports", "show", "{report}"],
    ["reports", "show", "nothing"],
    ["reports", "verify"],
    ["reports", "verify", "--head", 64 * "0"],
    ["reports", "export"],
    ["people", "export", "{name}", "--identity", "{identity}"],
    ["people", "erase", "{name}", "--identity", "{identity}"],
    ["people", "export", "{name}", "--identity", "{identity}"],
)
CHANGING = re.compile(r"\d+ (ms|s|min)\b|[\d-]{10} [\d:]{8}Z")
"""Durations and times, which follow the clock."""


@pytest.fixture
def places(postgres: SharedPostgres, tmp_path: Path) -> Iterator[list[Path]]:
    """Yield settings that name the same room in SQLite and in PostgreSQL."""
    with postgres.schema() as url:
        file = str(written(tmp_path / "room.sqlite", 5))
        migrate(file, url)
        yield [settings(tmp_path / name, database) for name, database in (("sqlite", file), ("postgres", url))]


def settings(directory: Path, database: str) -> Path:
    directory.mkdir()
    file = write_settings(directory, webhooks={"report": "http://127.0.0.1:9/"})
    file.write_text(file.read_text(encoding="utf-8").replace("room.sqlite", database), encoding="utf-8")
    return file


def run(file: Path, arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the output of a command, without what depends on the clock."""
    try:
        code = commands.run(parser().parse_args([*arguments, "--settings", str(file)]))
    except OneLineError as error:
        return f"{error} (2)"
    said = capsys.readouterr()
    return CHANGING.sub("…", f"{said.out}{said.err}({code})")


def names(file: Path) -> dict[str, str]:
    """Return the names and IDs that the commands refer to."""
    queries = {
        "delivered": "SELECT id FROM delivery WHERE state = 'delivered'",
        "report": "SELECT id FROM report ORDER BY seq LIMIT 1",
        "name": "SELECT name FROM person WHERE name != '' ORDER BY identity DESC LIMIT 1",
        "identity": "SELECT identity FROM person WHERE name != '' ORDER BY identity DESC LIMIT 1",
    }
    with open_store(load(file).settings.database).transaction() as connection:
        return {name: connection.execute(query).fetchone()[0] for name, query in queries.items()}


def test_each_command_has_the_same_output_and_effect_on_both_databases(
    places: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    values = names(places[0])
    for arguments in COMMANDS:
        given = [argument.format(**values) for argument in arguments]
        here, there = (run(file, given, capsys) for file in places)
        assert there == here, given
    contents = []
    for file in places:
        with open_store(load(file).settings.database).transaction() as connection:
            rows = connection.execute("SELECT id, author, text, peer, taken_back_at IS NULL FROM message ORDER BY id")
            contents.append((rows.fetchall(), connection.execute("SELECT name, paused FROM webhook").fetchall()))
    assert contents[0] == contents[1]


def test_both_databases_are_backed_up_to_a_file(
    places: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in places:
        backup = tmp_path / f"{file.parent.name}.sqlite"
        assert f"{backup}: 12 messages" in run(file, ["backup", str(backup)], capsys)
        assert "already exists" in run(file, ["backup", str(backup)], capsys)
