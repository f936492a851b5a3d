"""The database file is private, used by one server, and still at its path when something is acknowledged."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from server.rules.messages import MessageDraft, Person
from server.storage import database_file, schema
from server.storage.base import StorageError
from server.storage.broker import Broker
from server.storage.dialect import APPLICATION_ID
from server.storage.sql import touch
from server.storage.sqlite_connection import SqliteConnection
from server.storage.sqlite_database import SqliteDatabase

SAID = MessageDraft(Person("alice", "a-1"), "lobby", None, "hello", None)


def delete(path: Path) -> None:
    """Delete the database with the files beside it."""
    for found in path.parent.glob(f"{path.name}*"):
        found.unlink()


def move_away(path: Path) -> None:
    """Move the database away."""
    path.rename(path.with_name("elsewhere.sqlite"))


def restore_over_it(path: Path) -> None:
    """Replace the database as `mv` of a backup does."""
    copy = path.with_name("copy.sqlite")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


def delete_write_ahead_log(path: Path) -> None:
    """Delete the file that has the latest commits."""
    path.with_name(f"{path.name}-wal").unlink()


def delete_shared_memory(path: Path) -> None:
    """Delete the file by which processes share the write-ahead log."""
    path.with_name(f"{path.name}-shm").unlink()


def remove_directory(path: Path) -> None:
    """Move the directory away."""
    path.parent.rename(path.parent.with_name("moved"))


def file_modes(directory: Path) -> dict[str, int]:
    """Return the mode of each file."""
    return {found.name: found.stat().st_mode & 0o777 for found in directory.iterdir()}


LOSSES = (delete, move_away, restore_over_it, delete_write_ahead_log, delete_shared_memory, remove_directory)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not delete open files")
@pytest.mark.parametrize("lose", LOSSES)
async def test_nothing_is_acknowledged_once_the_file_is_gone(
    tmp_path: Path, lose: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "data" / "room.sqlite"
    path.parent.mkdir()
    database = SqliteDatabase(str(path))
    broker = Broker(database)
    try:
        await broker.publish(SAID)
        lose(path)
        outcomes = await asyncio.gather(*(broker.publish(SAID) for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [StorageError] * 3
        with pytest.raises(StorageError, match="stop the server, restore the file, and start the server"):
            await database.write(touch)
        assert caplog.text.count("nothing is stored or acknowledged any more") == 1
    finally:
        await database.close()


async def test_a_file_that_reappears_needs_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite"
    database = SqliteDatabase(str(path))
    move_away(path)
    with pytest.raises(StorageError):
        await database.write(touch)
    path.with_name("elsewhere.sqlite").rename(path)
    with pytest.raises(StorageError):
        await database.write(touch)
    await database.close()
    again = SqliteDatabase(str(path))
    await again.write(touch)
    await again.close()


@pytest.mark.parametrize("link", [False, True])
async def test_a_second_server_is_refused_and_names_the_first(tmp_path: Path, link: bool) -> None:
    path = tmp_path / "room.sqlite"
    other = path
    if link:
        other = tmp_path / "link.sqlite"
        other.symlink_to(path)
    database = SqliteDatabase(str(path))
    assert database_file.server_on(str(other)) == (os.getpid(),)
    with pytest.raises(StorageError, match=rf"used by another server \(process {os.getpid()}\); stop that one first"):
        SqliteDatabase(str(other))
    await database.close()
    assert database_file.server_on(str(other)) is None
    await SqliteDatabase(str(other)).close()


async def test_a_refused_start_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite"
    path.write_bytes(b"These are my notes. " * 100)
    for _ in range(2):
        with pytest.raises(StorageError, match="not a database"):
            SqliteDatabase(str(path))
    assert database_file.server_on(str(path)) is None


async def test_symbolic_links_in_a_circle_are_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite"
    path.symlink_to(path)
    assert database_file.server_on(str(path)) is None
    with pytest.raises(StorageError, match=f"{path}: .*symbolic links"):
        SqliteDatabase(str(path))


async def test_a_lock_that_cannot_be_written_is_an_error_with_advice(tmp_path: Path) -> None:
    (tmp_path / ".room.sqlite.lock").mkdir()
    with pytest.raises(StorageError, match=r"its lock .* cannot be written: .*; make it writable"):
        SqliteDatabase(str(tmp_path / "room.sqlite"))


async def test_a_database_without_its_room_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite"
    await SqliteDatabase(str(path)).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM epoch")
    with pytest.raises(StorageError, match="malformed; check the file"):
        SqliteDatabase(str(path))


async def test_a_damaged_schema_is_named_even_if_it_is_not_valid_text(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE epoch (name)")
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE epoch", b"CREATE TABL\xe9 epoch"))
    with pytest.raises(StorageError, match="malformed; check the file"):
        SqliteDatabase(str(path))
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        schema.open_as_it_is(str(path))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
@pytest.mark.parametrize("existing", [False, True], ids=["new", "of an earlier version"])
async def test_only_the_owner_can_read_the_files(tmp_path: Path, existing: bool) -> None:
    path = tmp_path / "room.sqlite"
    umask = os.umask(0o022)
    try:
        if existing:
            path.touch(0o644)
        database = SqliteDatabase(str(path))
        await Broker(database).publish(SAID)
        modes = file_modes(tmp_path)
        await database.close()
    finally:
        os.umask(umask)
    assert set(modes) == {"room.sqlite", "room.sqlite-wal", "room.sqlite-shm", ".room.sqlite.lock"}
    assert set(modes.values()) == {0o600}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
async def test_a_device_or_pipe_is_refused_and_keeps_its_mode(tmp_path: Path) -> None:
    path, link = tmp_path / "pipe", tmp_path / "room.sqlite"
    os.mkfifo(path)
    path.chmod(0o644)
    link.symlink_to(path)
    with pytest.raises(StorageError, match=r"room\.sqlite: not a regular file; choose another one"):
        SqliteDatabase(str(link))
    assert file_modes(tmp_path) == {"pipe": 0o644, "room.sqlite": 0o644}


async def test_the_file_identifies_its_program(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite"
    await SqliteDatabase(str(path)).close()
    with closing(sqlite3.connect(path, factory=SqliteConnection)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
