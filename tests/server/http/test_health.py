"""A server that shares its database is ready as long as its beats arrive there."""

from types import SimpleNamespace
from typing import cast

import pytest

from server.handlers.dispatch import Dispatcher
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
async def test_readiness_follows_the_beat_without_a_write(node: NodeHealth, problem: str | None) -> None:
    dispatcher = cast(Dispatcher, SimpleNamespace(draining=False))
    # A write would fail: this database has none.
    database = cast(Database, SimpleNamespace(health=lambda: node))
    found = await Health(dispatcher, database, LoopWatchdog(lambda _late: None)).readiness()
    assert found is None if problem is None else found and found.startswith(problem)
