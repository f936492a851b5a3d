"""Liveness and readiness, as reported to supervisors and load balancers, are correct."""

import asyncio
import sqlite3
import sys
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from server.storage.sqlite_connection import SqliteConnection
from tests.support.chat_client import entered
from tests.support.database_file import Disk
from tests.support.raw_socket import dialled, refuses, request
from tests.support.server_process import ServerProcess, write_settings

WAIT_SECONDS = 30.0


async def told(server: ServerProcess, path: str) -> tuple[int, str]:
    """Return status and body, and assert that the body is one line."""
    async with httpx.AsyncClient(trust_env=False, timeout=WAIT_SECONDS) as http:
        answer = await http.get(server.http_url + path)
    assert answer.headers["Content-Type"].startswith("text/plain")
    (line,) = answer.text.splitlines()
    return answer.status_code, line


async def becomes_ready(server: ServerProcess) -> None:
    """Wait until the server reports that it is ready."""
    async with asyncio.timeout(WAIT_SECONDS):
        while await told(server, "/readyz") != (HTTPStatus.OK, "ok"):
            await asyncio.sleep(0.05)


async def becomes_unready(server: ServerProcess) -> str:
    """Wait until the server reports that it is not ready; return why."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            status, line = await told(server, "/readyz")
            if status != HTTPStatus.OK:
                assert status == HTTPStatus.SERVICE_UNAVAILABLE
                return line
            await asyncio.sleep(0.05)


async def test_a_healthy_server_is_alive_and_ready(server: ServerProcess) -> None:
    await becomes_ready(server)
    assert await told(server, "/healthz") == (HTTPStatus.OK, "ok")


@pytest.mark.skipif(sys.platform != "linux", reason="only there can a process be limited from outside")
async def test_a_server_on_a_full_disk_is_alive_but_not_ready_until_there_is_space(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        # This writes to the write-ahead log, which cannot grow later.
        async with entered(server.url, "alice") as alice:
            await alice.say("lobby", "hello")
        await becomes_ready(server)
        with Disk(settings.with_name("room.sqlite")).full(server.process.pid):
            assert "writing to the database failed: " in await becomes_unready(server)
            assert (await told(server, "/healthz"))[0] == HTTPStatus.OK
        await becomes_ready(server)


async def test_a_server_is_alive_but_not_ready_while_its_database_is_locked(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        await becomes_ready(server)
        with Disk(settings.with_name("room.sqlite")).locked():
            assert "locked" in await becomes_unready(server)
            assert (await told(server, "/healthz"))[0] == HTTPStatus.OK
        await becomes_ready(server)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
async def test_a_server_that_is_shutting_down_is_not_ready(tmp_path: Path) -> None:
    with (
        ServerProcess(write_settings(tmp_path)) as server,
        closing(sqlite3.connect(tmp_path / "room.sqlite", factory=SqliteConnection)) as other,
    ):
        async with entered(server.url, "alice") as alice, dialled(server.port) as before:
            # A message that waits for the disk delays the shutdown.
            other.execute("BEGIN IMMEDIATE")
            await alice.say_only("lobby", "last words")
            await alice.settled()
            server.process.terminate()
            async with asyncio.timeout(WAIT_SECONDS):
                while not await refuses(server.port):
                    await asyncio.sleep(0.02)
            status, answer = await before.answer(request("GET /readyz"))
            assert (status, answer.splitlines()[-1]) == (HTTPStatus.SERVICE_UNAVAILABLE, b"the server is shutting down")
