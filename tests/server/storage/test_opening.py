"""A database is opened by its place; PostgreSQL's driver is loaded only for those who use it."""

import subprocess
import sys
from pathlib import Path

import pytest

from server import operator
from server.operator import doctor
from server.operator.finding import Grade
from server.storage import opening
from server.storage.base import StorageError
from server.storage.pending import Committed

COMMITTED: Committed = lambda _size, _seconds: None  # noqa: E731


async def test_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "server.storage.postgres.database", None)
    with pytest.raises(StorageError, match=r"pipx install --force '\.\[cluster\]'"):
        opening.open_database("postgresql://db/room", COMMITTED)


def test_missing_driver_is_named_by_commands_and_by_the_doctor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "server.storage.postgres.store", None)
    monkeypatch.delitem(sys.modules, "server.operator.postgres_checks", raising=False)
    monkeypatch.delattr(operator, "postgres_checks", raising=False)
    with pytest.raises(StorageError, match=r"pipx install --force '\.\[cluster\]'"):
        opening.open_store("postgresql://db/room")
    file = tmp_path / "settings.toml"
    file.write_text('Database = "postgresql://db/room"')
    found = [each for each in doctor.findings(file) if each.grade is Grade.BAD]
    assert [each.text for each in found] == [f"database: {opening.DRIVER}"]


async def test_database_that_does_not_answer_says_what_to_check() -> None:
    with pytest.raises(StorageError, match=r"postgresql://ann@127.0.0.1:1/room: .*; check that PostgreSQL runs"):
        opening.open_database("postgresql://ann@127.0.0.1:1/room", COMMITTED)


def test_server_with_a_file_loads_no_driver() -> None:
    program = "import sys; import server.app; sys.exit('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
