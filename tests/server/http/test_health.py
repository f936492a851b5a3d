"""A server is ready as long as its beats arrive at a shared database, or it can write to its own."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from server.handlers.dispatch import Dispatcher
from server.http import health
from server.http.health import Health
from server.ops.watchdog import LoopWatchdog
from server.storage.database import Database, NodeHealth

WELL = NodeHealth(0.5, 7, 0.25, 0.125, 0, 0.0, fenced=False, database_down=False)


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        (WELL, None),
        (WELL._replace(beat_age=5.9, news_behind=1000, news_age=5.0), None),
        (WELL._replace(beat_age=6.5), "the database has not answered for 6.5 s; check that it runs"),
        (WELL._replace(fenced=True), "the other servers of the room have removed this one"),
    ],
)
async def test_readiness_follows_the_heartbeat_without_a_write(node: NodeHealth, problem: str | None) -> None:
    dispatcher = cast(Dispatcher, SimpleNamespace(draining=False))
    # A write would fail: this database has none.
    database = cast(Database, SimpleNamespace(health=lambda: node))
    found = await Health(dispatcher, database, LoopWatchdog(lambda _late: None)).readiness()
    assert found is None if problem is None else found and found.startswith(problem)


async def test_a_check_that_begins_as_another_ends_does_not_affect_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    # The result of a test write that took long is outdated as soon as it is there.
    monkeypatch.setattr(health, "PROBE_CACHE_SECONDS", -1.0)
    writes: list[asyncio.Future[None]] = []

    def write(_work: object) -> "asyncio.Future[None]":
        writes.append(asyncio.get_running_loop().create_future())
        return writes[-1]

    dispatcher = cast(Dispatcher, SimpleNamespace(draining=False))
    database = cast(Database, SimpleNamespace(health=lambda: None, write=write))
    checked = Health(dispatcher, database, LoopWatchdog(lambda _late: None))
    first = asyncio.create_task(checked.readiness())
    await asyncio.sleep(0)
    # The second check starts in the turn in which the first write ends, so before the first check goes on.
    writes[0].set_result(None)
    second = asyncio.create_task(checked.readiness())
    assert await first is None
    writes[1].set_result(None)
    assert await second is None
