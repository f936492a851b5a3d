"""After an error, a server with a SQLite file stores, reads and hears messages again by itself; or it ends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from server.rules.messages import MessageDraft, Person
from server.storage.base import Published, StorageError
from server.storage.events import StoredChange
from server.storage.sql import SqlConnection
from server.storage.sqlite_connection import SqliteConnection
from server.storage.sqlite_database import SqliteDatabase

ANN = Person("ann", "ann-id")
PAGES = 200
Change = Callable[[SqliteConnection], object]


class Room:
    """A database, and what was heard from it."""

    def __init__(self, path: Path) -> None:
        self.database = SqliteDatabase(str(path))
        self.database.hear(StoredChange, self._hear)
        self.heard: list[str] = []

    def _hear(self, changes: Sequence[StoredChange]) -> None:
        self.heard += [change.publication.text for change in changes]

    def publish(self, text: str) -> "asyncio.Future[Published]":
        """Store a message."""
        return self.database.publish(MessageDraft(ANN, "lobby", None, text, None))

    async def change(self, change: Change) -> None:
        """Make a change on the connection of the writer."""

        def work(connection: SqlConnection) -> None:
            assert isinstance(connection, SqliteConnection)
            change(connection)

        await self.database.write(work)

    async def check_works(self, *expected: str) -> None:
        """Check that these are the messages, and that one more is stored, heard and read."""
        async with asyncio.timeout(30):
            await self.publish("after")
            rows = await self.database.read(
                lambda connection: connection.execute("SELECT text FROM message ORDER BY id").fetchall()
            )
        assert [text for (text,) in rows] == self.heard == [*expected, "after"]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """An open database with one message."""
    room = Room(tmp_path / "room.sqlite")
    await room.publish("before")
    yield room
    await room.database.close()


def trigger(action: str) -> Change:
    """Return the change by which each message fails in this way."""
    return lambda connection: connection.execute(
        f"CREATE TRIGGER fault BEFORE INSERT ON message BEGIN SELECT RAISE({action}, 'a fault'); END"
    )


def no_trigger(connection: SqliteConnection) -> None:
    """Undo `trigger`."""
    connection.execute("DROP TRIGGER fault")


def fill(connection: SqliteConnection) -> None:
    """Let the database grow no more."""
    connection.execute(f"PRAGMA max_page_count = {PAGES}")
    connection.execute("CREATE TABLE filling (data)")
    connection.execute("INSERT INTO filling VALUES (zeroblob(?))", (4096 * (PAGES - pages(connection) - 4),))


def pages(connection: SqliteConnection) -> int:
    """Return the size of the database in pages of 4 KiB."""
    return int(connection.execute("PRAGMA page_count").fetchone()[0])


def free(connection: SqliteConnection) -> None:
    """Undo `fill`."""
    connection.execute("PRAGMA max_page_count = 1000000")


FAULTS: dict[str, tuple[Change, Change]] = {
    **{f"raise {action}": (trigger(action), no_trigger) for action in ("ABORT", "FAIL", "ROLLBACK")},
    "full": (fill, free),
}


@pytest.mark.parametrize(("break_it", "repair"), FAULTS.values(), ids=FAULTS.keys())
async def test_server_works_after_an_error_of_the_file(break_it: Change, repair: Change, room: Room) -> None:
    await room.change(break_it)
    long = "long " * 20_000
    answers = await asyncio.gather(*map(room.publish, [long, long]), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StorageError, StorageError]
    assert not any("\n" in str(answer) for answer in answers)
    await room.change(repair)
    await room.check_works("before")


async def test_server_works_after_a_transaction_could_not_be_ended(room: Room) -> None:
    for connection in (room.database._writer, room.database._reader):
        # As after a rollback that failed.
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM message").fetchone()
    await room.check_works("before")


async def test_server_ends_if_a_thread_of_the_database_fails(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    lost = asyncio.Event()
    room.database.lost = lost.set
    # As a defect of the server would.
    room.database._committed = None  # type: ignore[assignment]
    room.publish("stored")
    async with asyncio.timeout(30):
        await lost.wait()
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
