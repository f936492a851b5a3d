"""A database that is down for everyone is distinguished from one that only this server cannot reach."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import cast

import psycopg
import pytest

from server.storage.postgres import membership, probing
from server.storage.postgres.connecting import DatabaseLink
from server.storage.postgres.connection import PostgresConnection
from server.storage.postgres.hearing import Hearing
from server.storage.postgres.lock_use import LockUse
from server.storage.postgres.membership import Beat, SharedClock
from server.storage.postgres.tail import Channels, TailThread


@pytest.fixture
def refusing() -> str:
    """Return an address at which nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return an address that accepts connections, and answers nothing."""
    monkeypatch.setattr(probing, "PROBE_SECONDS", 0.1)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
async def closing_at_once() -> AsyncIterator[str]:
    """Return the address of a proxy whose database is down."""
    server = await asyncio.start_server(lambda _, writer: writer.transport.abort(), "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_database_behind_a_proxy_is_down_if_the_proxy_closes_at_once(closing_at_once: str) -> None:
    assert await asyncio.to_thread(probing.is_down, f"postgresql://user@{closing_at_once}/room")


def test_a_database_is_down_if_each_of_its_hosts_answers_or_refuses(refusing: str, silent: str, url: str) -> None:
    assert probing.is_down(f"postgresql://user@{refusing}/room")
    assert probing.is_down(url)
    assert probing.is_down("postgresql:///room?host=/run/postgresql")
    assert not probing.is_down(f"postgresql://user@{silent}/room")
    assert not probing.is_down(f"postgresql://user@{refusing},{silent}/room")


class _LostLink:
    def recover(self, _error: psycopg.Error) -> bool:
        return True

    def wait(self) -> None:
        pass


async def test_the_tail_probes_after_each_failure_and_a_heartbeat_clears_the_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [True, False, True]
    tail = TailThread(
        "node",
        cast(DatabaseLink, _LostLink()),
        cast(Hearing, None),
        clock=SharedClock(),
        lock_use=LockUse(),
        channels=Channels("news", "aside"),
        silent=lambda: None,
        fenced=lambda _: None,
        is_down=lambda: answers.pop(0),
    )
    for expected in (True, False, True):
        tail._recover(psycopg.OperationalError("refused"))
        assert tail.database_down is expected
    monkeypatch.setattr(membership, "beat", lambda *_: Beat(1000, 1, 0))
    monkeypatch.setattr(membership, "prune", lambda *_: False)
    tail._beat(cast(PostgresConnection, None))
    assert not tail.database_down
    await asyncio.sleep(0)
