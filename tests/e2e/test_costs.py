"""A server under clients that make it read as much as possible and hang up, and a server with a full disk."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    Error,
    History,
    HistoryRequest,
    ReportRequest,
    ReportStatus,
    Say,
    SearchRequest,
    SearchResults,
)
from server.storage import schema
from tests.support.chat_client import ChatClient, entered
from tests.support.raw_socket import wire
from tests.support.receiver import Receiver
from tests.support.server_process import ServerProcess, write_settings

DEFAULTS: Mapping[str, int | list[str]] = {}
REQUESTS = 256
MESSAGES, REACTIONS = 100, 500
"""The longest texts with the most reactions: the worst case of reading history."""


def stage(directory: Path) -> None:
    """Fill a database with as much as users can post within 20 minutes."""
    with closing(schema.connect(str(directory / "room.sqlite"))) as connection:
        schema.prepare(connection)
        connection.execute("BEGIN")
        for number in range(MESSAGES):
            connection.execute(
                "INSERT INTO message (at, author, author_identity, channel, text, author_key, folded, reacted_at)"
                " VALUES (1, 'eve', 'e-1', 'lobby', ?1, 'eve', fold(?1), 1)",
                (f"rope {number} ".ljust(4000, "7"),),
            )
            connection.executemany(
                "INSERT INTO reaction (msg_id, identity, emoji, name, at) VALUES (?, ?, ?, ?, 1)",
                [(number + 1, f"i-{each}", chr(0x1F600 + each % 20), f"name {each}") for each in range(REACTIONS)],
            )
        connection.execute("COMMIT")


@asynccontextmanager
async def attacked(server: ServerProcess, *, hang_up: bool) -> AsyncIterator[None]:
    """Have two clients request all of the history many times, in one write each."""
    async with AsyncExitStack() as stack:
        for number in range(2):
            mallory = await stack.enter_async_context(entered(server.url, f"mallory {number}"))
            asked = b"".join(wire(HistoryRequest("lobby", f"n-{each}", limit=100)) for each in range(REQUESTS))
            mallory.socket.transport.write(asked)
            # Nobody reads what is still being sent at the end.
            stack.callback(mallory.socket.transport.abort)
            if hang_up:
                await asyncio.sleep(0)
                mallory.socket.transport.abort()
        yield


async def answered(client: ChatClient) -> None:
    """Assert that an honest client's requests are answered."""
    await client.send(HistoryRequest("tea", "h"))
    await client.next(History, lambda frame: frame.nonce == "h")
    await client.send(SearchRequest("rope", "s"))
    found = await client.next(SearchResults, lambda frame: frame.nonce == "s")
    assert found.messages


@pytest.mark.parametrize("hang_up", [True, False], ids=["hanging up", "staying"])
async def test_a_newcomer_can_log_in_while_others_request_all_the_history(tmp_path: Path, hang_up: bool) -> None:
    stage(tmp_path)
    with ServerProcess(write_settings(tmp_path, limits=DEFAULTS)) as server:
        async with attacked(server, hang_up=hang_up), entered(server.url, "ada") as ada:
            await answered(ada)


async def test_an_error_of_the_rate_limit_names_the_refused_request(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, limits={"PagesBurst": 10, "PagesPerSecond": 1})
    with ServerProcess(settings, deadlines={"server.pacing.limiter.PATIENCE_SECONDS": 1.0}) as server:
        async with entered(server.url, "alice") as alice:
            for number in range(20):
                await alice.send(HistoryRequest("lobby", f"n-{number}", limit=100))
            error = await alice.next(Error)
            assert (error.code, error.nonce) != (ErrorCode.TOO_FAST, "n-0")
            assert (error.code, (error.nonce or "")[:2]) == (ErrorCode.TOO_FAST, "n-")
            assert (await alice.say("lobby", "hello")).message == "hello"


async def test_messages_are_refused_and_reports_accepted_when_the_disk_is_nearly_full(
    tmp_path: Path, receiver: Receiver
) -> None:
    stage(tmp_path)
    limits = {"FreeMegabytes": 10**9}
    settings = write_settings(tmp_path, webhooks={"report": receiver.url}, limits=limits)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice:
            for nonce in ("n-1", "n-2"):
                error = await alice.refusal(Say("lobby", "hello", nonce))
                assert (error.code, error.nonce) == (ErrorCode.STORAGE, nonce)
            await alice.send(ReportRequest(1, "It's spam", nonce="r"))
            await alice.next(ReportStatus)
            await asyncio.to_thread(receiver.wait_for, 1)
        assert server.log.count("the disk is nearly full") == 1
