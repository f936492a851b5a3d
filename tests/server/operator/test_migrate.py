"""A room is the same after it moved to another database and back."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.operator.migrate import check_place, migrate, rehearse
from server.operator.printing import CommandError
from server.storage import copying, schema, trail
from server.storage.base import StorageError
from server.storage.copying import Content, Numbering
from server.storage.database_file import Lock
from server.storage.sqlite_store import SqliteStore
from tests.support.filled_room import filled


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write a room with rows in every table to a file."""
    return written(tmp_path / "room.sqlite", 1)


def written(file: Path, seed: int) -> Path:
    with closing(filled(seed)) as room, closing(sqlite3.connect(file)) as copy:
        room.backup(copy)
    return file


def held(file: Path) -> tuple[list[Content], Numbering]:
    """Return the content of a room."""
    store = SqliteStore(str(file))
    with store.transaction() as connection:
        return list(copying.contents(connection)), store.numbering(connection)


def test_all_tables_are_copied() -> None:
    """A new table needs a row in `copying.TABLES`, unless it is the index or has one row for the room."""
    with closing(filled(0)) as room:
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'message_text%'"
        present = {name for (name,) in room.execute(query)}
        single = {"epoch", "server", "message_changes", "search_index", "sqlite_sequence"}
        assert present - set(copying.TABLES) == single
        assert all(content.rows for content in copying.contents(room))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_room_is_unchanged_after_a_migration_and_back(tmp_path: Path, seed: int) -> None:
    source, there, back = written(tmp_path / "room.sqlite", seed), tmp_path / "there.sqlite", tmp_path / "back.sqlite"
    before = source.read_bytes()
    migrate(str(source), str(there))
    migrate(str(there), str(back))
    assert held(back) == held(there) == held(source)
    assert source.read_bytes() == before
    with closing(schema.open_as_it_is(str(back))) as connection:
        assert trail.verify(connection)[0] > 0


def test_the_copy_has_the_state_of_the_room_and_of_its_search_index(source: Path, tmp_path: Path) -> None:
    migrate(str(source), str(tmp_path / "copy.sqlite"))
    with (
        closing(schema.open_as_it_is(str(tmp_path / "copy.sqlite"))) as copy,
        closing(schema.open_as_it_is(str(source))) as room,
    ):
        assert schema.prepare(copy) == schema.prepare(room)
        assert copy.execute("SELECT traces, up_to > 0 FROM search_index").fetchone() == (0, 1)


def test_a_dry_run_writes_nothing(source: Path, tmp_path: Path) -> None:
    said = rehearse(str(source), str(tmp_path / "copy.sqlite"))
    assert "message: 12 rows" in said
    assert "stop the server and run" in said
    assert [file.name for file in tmp_path.iterdir()] == ["room.sqlite"]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("mysql://room:s3cret@db/room", "name a file, or a URL like postgresql://USER@HOST/DATABASE"),
        ("postgresql:/room:s3cret@db/room", "name a file, or a URL like postgresql://USER@HOST/DATABASE"),
        ("postgresql://room:s3cret@db/room", "other users can see arguments; set PGPASSWORD or FLAGPOST_DATABASE"),
        ("postgresql://room@db/room?password=s3cret", "other users can see arguments"),
        ("postgresql://room:s3c@ret/@db/room", "write special characters of the password as %40"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(place: str, words: str) -> None:
    with pytest.raises(CommandError, match=re.escape(words)) as caught:
        check_place(place)
    assert "s3c" not in str(caught.value)


def test_migration_is_refused_while_a_server_uses_the_database(source: Path, tmp_path: Path) -> None:
    lock = Lock(str(source))
    with pytest.raises(StorageError, match="used by another server"):
        migrate(str(source), str(tmp_path / "copy.sqlite"))
    lock.release()
    assert not (tmp_path / "copy.sqlite").exists()


def test_an_existing_target_is_refused(source: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other.sqlite", 2)
    before = other.read_bytes()
    with pytest.raises(StorageError, match="already exists"):
        migrate(str(source), str(other))
    assert other.read_bytes() == before


def test_a_character_that_postgresql_cannot_store_is_named(source: Path, tmp_path: Path) -> None:
    with closing(schema.open_as_it_is(str(source))) as connection:
        (number,) = connection.execute("SELECT max(id) FROM message").fetchone()
        connection.execute("UPDATE message SET text = 'a' || char(0) || 'b' WHERE id = ?", (number,))
    for attempt in (rehearse, migrate):
        with pytest.raises(StorageError, match=f"column text of table message .* where id = {number}; remove it first"):
            attempt(str(source), str(tmp_path / "copy.sqlite"))
    assert not (tmp_path / "copy.sqlite").exists()


def test_an_altered_trail_is_not_copied(source: Path, tmp_path: Path) -> None:
    with closing(schema.open_as_it_is(str(source))) as connection:
        connection.execute("UPDATE trail SET at = at + 1 WHERE seq = 2")
    for attempt in (migrate, rehearse):
        with pytest.raises(CommandError, match="the trail of the source was altered: row 2"):
            attempt(str(source), str(tmp_path / "copy.sqlite"))
    assert not (tmp_path / "copy.sqlite").exists()


def test_a_migration_that_fails_leaves_no_target(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = source.read_bytes()
    monkeypatch.setattr(SqliteStore, "renumber", lambda *_: None)
    with pytest.raises(CommandError, match="differs from the source"):
        migrate(str(source), str(tmp_path / "copy.sqlite"))
    assert source.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir() if not file.name.endswith(".lock")] == ["room.sqlite"]
