"""Listeners receive the events of each commit, in order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode
from server.rules.bans import Ban
from server.rules.refusal import Refusal
from server.storage.base import StorageError
from server.storage.events import BanLifted, Banned
from server.storage.journal import one_by_one
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase

BANNED = Banned(Ban("bob", "b-1", 1, "ada"))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = SqliteDatabase(str(tmp_path / "room.sqlite"))
    yield opened
    await opened.close()


def lift(name: str, connection: SqlConnection) -> str:
    """Announce that a ban was lifted."""
    connection.announce(BanLifted(name))
    return name


def lifted(events: Sequence[BanLifted]) -> str:
    """Return the names, in order."""
    return " ".join(each.name for each in events)


async def test_events_are_received_in_order_and_by_kind(database: SqliteDatabase) -> None:
    heard: list[str] = []
    database.hear(BanLifted, lambda events: heard.append(lifted(events)))
    database.hear(Banned, lambda events: heard.append(f"{len(events)} banned"))

    def both(connection: SqlConnection) -> None:
        lift("c", connection)
        connection.announce(BANNED)
        lift("d", connection)

    for work in (partial(lift, "a"), partial(lift, "b")):
        database.write(work)
    await database.write(both)
    assert heard == ["a b c", "1 banned", "d"]


async def test_events_are_received_before_the_write_completes(database: SqliteDatabase) -> None:
    order: list[str] = []
    database.hear(BanLifted, lambda events: order.append(lifted(events)))
    written = database.write(partial(lift, "a"))
    written.add_done_callback(lambda done: order.append(f"{done.result()} is written"))
    await written
    await asyncio.sleep(0)
    assert order == ["a", "a is written"]


async def test_a_failed_or_refused_write_announces_nothing_and_other_writes_announce_once(
    database: SqliteDatabase,
) -> None:
    heard: list[str] = []
    database.hear(BanLifted, lambda events: heard.extend(each.name for each in events))

    def fail(connection: SqlConnection) -> str:
        lift("failed", connection)
        raise ValueError

    def refuse(connection: SqlConnection) -> str:
        lift("refused", connection)
        raise Refusal(ErrorCode.BAD_MESSAGE, "no")

    work = (partial(lift, "a"), refuse, fail, partial(lift, "b"))
    writes = [database.write(each) for each in work]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(each) for each in outcomes] == [str, Refusal, StorageError, str]
    assert heard == ["a", "b"]


async def test_a_listener_that_fails_is_logged_and_stops_nothing(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def fail(_: Sequence[BanLifted]) -> None:
        raise ValueError("deaf")

    database.hear(BanLifted, fail)
    database.hear(BanLifted, lambda events: heard.append(lifted(events)))
    assert await database.write(partial(lift, "a")) == "a"
    assert heard == ["a"]
    assert "deaf" in caplog.text


async def test_event_that_a_listener_fails_on_does_not_stop_the_events_after_it(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def listen(event: BanLifted) -> None:
        if event.name == "b":
            raise ValueError("deaf")
        heard.append(event.name)

    database.hear(BanLifted, one_by_one(listen))
    await asyncio.gather(*(database.write(partial(lift, name)) for name in "abc"))
    assert heard == ["a", "c"]
    assert "deaf" in caplog.text
