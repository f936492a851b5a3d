"""Messages while the file is not usable, and after."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from server.rules.messages import MessageDraft, Person, Publication
from server.storage import schema
from server.storage.base import StorageError
from server.storage.broker import Broker
from server.storage.sqlite_connection import SqliteConnection
from server.storage.sqlite_database import SqliteDatabase

ALICE = Person("alice", "a-1")


def said(text: str) -> MessageDraft:
    """Return a message to the lobby."""
    return MessageDraft(ALICE, "lobby", None, text, None)


def no_database(file: Path) -> None:
    """Create a file that is not a database."""
    file.write_bytes(b"These are my notes. " * 100)


def directory(file: Path) -> None:
    """Create a directory instead of a file."""
    file.mkdir()


@pytest.mark.parametrize("spoil", [no_database, directory])
async def test_an_error_names_the_unusable_file(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(tmp_path / "room.sqlite")
    with pytest.raises(StorageError, match=r"room\.sqlite: "):
        SqliteDatabase(str(tmp_path / "room.sqlite"))


async def test_a_file_of_a_newer_version_is_refused_and_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "room.sqlite"
    database = SqliteDatabase(str(file))
    broker = Broker(database)
    await broker.publish(said("hello"))
    await database.close()
    with closing(sqlite3.connect(file, factory=SqliteConnection)) as other:
        other.execute("PRAGMA user_version = 99")
        with pytest.raises(StorageError, match="a newer version"):
            SqliteDatabase(str(file))
        assert other.execute("SELECT text FROM message").fetchall() == [("hello",)]


FOREIGN = {
    "another program's": "CREATE TABLE mine (text)",
    "with a number of ours": "CREATE TABLE mine (text); PRAGMA user_version = 3",
    "with a name of ours": "CREATE TABLE message (text); CREATE TABLE epoch (name); PRAGMA user_version = 1",
    "of another application": "CREATE TABLE mine (text); PRAGMA application_id = 42",
    "empty, of another application": "PRAGMA application_id = 42",
    "only a view": "CREATE VIEW mine AS SELECT 1",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
async def test_database_of_another_program_is_refused_and_left_unchanged(tmp_path: Path, content: str) -> None:
    file = tmp_path / "precious.sqlite"
    with closing(sqlite3.connect(file, factory=SqliteConnection)) as other:
        other.executescript(content)
    before = file.read_bytes()
    with pytest.raises(StorageError, match=r"precious\.sqlite: not a Flagpost database"):
        SqliteDatabase(str(file))
    assert file.read_bytes() == before
    with closing(schema.open_as_it_is(str(file))) as looked_at:
        assert (schema.misfit(looked_at) or "").startswith(schema.FOREIGN)


@pytest.mark.parametrize("version", range(len(schema.STEPS) + 1))
async def test_databases_of_all_versions_and_empty_ones_are_opened(tmp_path: Path, version: int) -> None:
    file = tmp_path / "room.sqlite"
    with closing(sqlite3.connect(file, factory=SqliteConnection)) as older:
        older.create_function("fold", 1, str.lower)
        older.executescript("".join(schema.STEPS[:version]))
        if version:
            older.executescript(f"INSERT INTO epoch VALUES ('e1'); PRAGMA user_version = {version}")
    database = SqliteDatabase(str(file))
    assert database.room.epoch == "e1" if version else database.room.epoch
    await database.close()


async def test_a_directory_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        SqliteDatabase(str(tmp_path / "nowhere" / "room.sqlite"))


async def test_senders_get_an_error_while_the_file_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.1)
    file = tmp_path / "room.sqlite"
    heard: list[Publication] = []
    database = SqliteDatabase(str(file))
    broker = Broker(database)
    broker.subscribe(lambda news: heard.extend(one.publication for one in news))
    try:
        await broker.publish(said("before"))
        with closing(sqlite3.connect(file, isolation_level=None, factory=SqliteConnection)) as other:
            other.execute("BEGIN EXCLUSIVE")
            lost = [broker.publish(said("lost")), broker.publish(said("lost"))]
            # Reading goes on meanwhile.
            assert await broker.find_all([1])
            outcomes = await asyncio.gather(*lost, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [StorageError, StorageError]
            other.execute("ROLLBACK")
        after = await broker.publish(said("after"))
        assert after.publication.msg_id == 2
        assert [one.text for one in heard] == ["before", "after"]
    finally:
        await database.close()


async def test_a_missing_table_is_an_error_for_readers_too(tmp_path: Path) -> None:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    broker = Broker(database)
    try:
        with closing(sqlite3.connect(tmp_path / "room.sqlite", factory=SqliteConnection)) as other:
            other.execute("DROP TABLE message")
        with pytest.raises(StorageError):
            await broker.find_all([1])
        with pytest.raises(StorageError):
            await broker.publish(said("hello"))
    finally:
        await database.close()


async def test_a_message_that_cannot_be_stored_does_not_affect_others(tmp_path: Path) -> None:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    broker = Broker(database)
    try:
        async with asyncio.timeout(5):
            unstorable = broker.publish(said("\ud800"))
            with pytest.raises(StorageError):
                await unstorable
            assert (await broker.publish(said("fine"))).fresh
    finally:
        async with asyncio.timeout(5):
            await database.close()


async def test_a_failed_write_that_nobody_awaits_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    database.write_aside(lambda connection: connection.execute("INSERT INTO nowhere VALUES (1)"))
    await database.close()
    await asyncio.sleep(0)
    assert "a write failed" in caplog.text
