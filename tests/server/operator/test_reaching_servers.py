"""What a command writes reaches the servers that share the room."""

from collections.abc import Sequence

import pytest

from server.operator.printing import CommandError
from server.operator.reloading import request_reload
from server.storage.events import RoomRequest, RoomRequested
from server.storage.postgres import schema
from server.storage.postgres.store import PostgresStore
from tests.support.postgres_database import servers, until


async def test_all_servers_are_asked_to_reload_and_keep_running(url: str) -> None:
    asked: list[RoomRequested] = []

    def hear(events: Sequence[RoomRequested]) -> None:
        asked.extend(events)

    async with servers(url, url) as both:
        for server in both:
            server.database.hear(RoomRequested, hear)
        # As a process of its own would do it; the servers hear it on their threads.
        assert request_reload(url).startswith("servers reloading now: 2,")
        await until(lambda: len(asked) == len(both))
        assert set(asked) == {RoomRequested(RoomRequest.RELOAD, "")}
        await both[0].say("after")
        await until(lambda: both[1].heard == ["after"])
        assert not any(server.losses for server in both)


def test_a_reload_without_running_servers_is_an_error(url: str) -> None:
    with PostgresStore(url).connected() as connection:
        schema.prepare(connection.raw)
    with pytest.raises(CommandError, match="no server uses postgresql://"):
        request_reload(url)
