"""Hostile HTTP requests are answered, and do not affect anyone else."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.protocol.frames import Echo, Me, Message, Places, Presence, Welcome, Who
from tests.support.chat_client import ChatClient, entered
from tests.support.raw_socket import UPGRADE, RawSocket, dialled, request
from tests.support.server_process import KEY, ServerProcess, write_settings

REPORT_STATUS = "POST /api/report/status"
LENGTH = "Content-Length: 400"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all cases, as it must survive each of them."""
    with ServerProcess(write_settings(tmp_path_factory.mktemp("room"))) as process:
        yield process


@pytest.fixture
async def bob(server: ServerProcess) -> AsyncIterator[ChatClient]:
    """A user in the room, who must not be affected."""
    async with entered(server.url, "bob") as bob:
        yield bob
        await bob.say("lobby", "still here")
        assert not [
            frame
            for frame in bob.seen
            if not isinstance(frame, Welcome | Me | Who | Echo | Places | Presence | Message)
        ]
        assert [message.message for message in bob.seen if isinstance(message, Message)] == ["still here"]
        assert "Traceback" not in server.log
        assert KEY not in server.log


@pytest.fixture
async def stranger(server: ServerProcess, bob: ChatClient) -> AsyncIterator[RawSocket]:
    """A connection that has sent nothing yet."""
    del bob
    async with dialled(server.port) as stranger:
        yield stranger


NO_ROOM = [
    "/", "/w", "/ws/", "/ws/x", "//ws", "/./ws", "/ws/../ws", "/healthz/../ws", "/%77s", "/ws%00", "/ws%3f", "/ws;x",
    "/WS", "http://room/ws", "*",
]  # fmt: skip


@pytest.mark.parametrize("path", NO_ROOM)
async def test_the_room_is_served_at_one_path_only(stranger: RawSocket, path: str) -> None:
    status, came = await stranger.answer(request(f"GET {path}", UPGRADE))
    assert (status, came.partition(b"\r\n\r\n")[2]) == (404, b"There is no websocket here. Connect to /ws.\n")


NO_FILE = [
    "/../settings.toml", "/%2e%2e/settings.toml", "/..%2fsettings.toml", "/healthz/../settings.toml", "//etc/passwd",
    "/..\\settings.toml", "/healthz/", "/healthz/..", "/healthz%00", "/%ff", "http://room/healthz", "/room.sqlite",
]  # fmt: skip


@pytest.mark.parametrize("path", NO_FILE)
async def test_other_paths_get_404_without_a_redirect(stranger: RawSocket, path: str) -> None:
    status, came = await stranger.answer(request(f"GET {path}"))
    assert status == 404
    assert b"location" not in came.lower()


UPGRADES = {
    "a foreign page": (request("GET /ws", (*UPGRADE, "Origin: https://evil.example")), 403),
    "two pages": (request("GET /ws", (*UPGRADE, "Origin: https://a.example", "Origin: https://b.example")), 400),
    "a sandboxed page": (request("GET /ws", (*UPGRADE, "Origin: null")), 403),
    "another method": (request("POST /ws", UPGRADE), 405),
    "no key": (request("GET /ws", [line for line in UPGRADE if "Key" not in line]), 400),
    "two keys": (request("GET /ws", (*UPGRADE, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")), 400),
    "a short key": (request("GET /ws", [line.replace("dGhlIHNhbXBsZSBub25jZQ", "eA") for line in UPGRADE]), 400),
    "an old version": (request("GET /ws", [line.replace("13", "8") for line in UPGRADE]), 400),
    "a line that is too long": (request("GET /ws", (*UPGRADE, f"Cookie: {'x' * 9000}")), 431),
    "a path that is too long": (request(f"GET /ws?{'x' * 9000}", UPGRADE), 414),
    "too many headers": (request("GET /ws", (*UPGRADE, *["X: y"] * 200)), 431),
    "a body": (request("GET /ws", (*UPGRADE, "Content-Length: 5"), b"hello"), 400),
    "a body in chunks": (request("GET /ws", (*UPGRADE, "Transfer-Encoding: chunked"), b"0\r\n\r\n"), 411),
}


@pytest.mark.parametrize(("data", "status"), UPGRADES.values(), ids=UPGRADES.keys())
async def test_bytes_that_do_not_begin_a_websocket_are_refused(stranger: RawSocket, data: bytes, status: int) -> None:
    assert (await stranger.answer(data))[0] == status


HIDDEN = request("GET /api/statistics")
SMUGGLED = {
    "a request after a request": (request("GET /healthz", body=HIDDEN), 200),
    "two lengths": (
        request(REPORT_STATUS, ("Host: localhost", "Content-Length: 4", "Content-Length: 5"), b"{}..." + HIDDEN),
        400,
    ),
    "a length and chunks": (
        request(
            REPORT_STATUS, ("Host: localhost", "Content-Length: 4", "Transfer-Encoding: chunked"), b"0\r\n\r\n" + HIDDEN
        ),
        400,
    ),
    "an unknown transfer encoding": (
        request(REPORT_STATUS, ("Host: localhost", "Transfer-Encoding: xchunked"), b"0\r\n\r\n" + HIDDEN),
        400,
    ),
    "chunks with a space before the colon": (
        request(REPORT_STATUS, ("Host: localhost", "Transfer-Encoding : chunked"), b"0\r\n\r\n" + HIDDEN),
        400,
    ),
    "a chunk of an invalid size": (
        request(REPORT_STATUS, ("Host: localhost", "Transfer-Encoding: chunked"), b"-1\r\n\r\n" + HIDDEN),
        411,
    ),
    "a length with a sign": (request(REPORT_STATUS, ("Host: localhost", "Content-Length: +2"), b"{}" + HIDDEN), 400),
    "a negative length": (request(REPORT_STATUS, ("Host: localhost", "Content-Length: -1"), HIDDEN), 400),
    "a lone carriage return": (request("GET /healthz", ("Host: localhost\rX: y",), HIDDEN), 400),
    "a NUL in a header": (request("GET /healthz", ("Host: localhost", "X: a\0b"), HIDDEN), 400),
    "two hosts": (request("GET /healthz", ("Host: localhost", "Host: other"), HIDDEN), 400),
    "no host": (request("GET /healthz", (), HIDDEN), 400),
    "no version": (b"GET /healthz\r\n\r\n" + HIDDEN, 400),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + HIDDEN, 400),
    "endless headers": (request("GET /healthz", [f"X: {'x' * 9000}"] * 100)[:-4], 400),
    "a request after a refused websocket": (request("GET /nowhere", UPGRADE, HIDDEN), 404),
}


@pytest.mark.parametrize(("data", "status"), SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_bytes_after_a_request_are_not_answered_as_another_request(
    stranger: RawSocket, data: bytes, status: int
) -> None:
    found, came = await stranger.answer(data)
    # If the server leaves much unread, a reset can overtake its answer.
    assert found in {status, 0} if len(data) > 65536 else found == status
    assert len(re.findall(rb"HTTP/1\.1 \d", came)) <= 1
    assert b"UserCount" not in came


@pytest.mark.slow
async def test_silent_and_slow_clients_are_disconnected_at_the_default_deadline(
    server: ServerProcess, bob: ChatClient
) -> None:
    del bob
    await assert_deadline_ends(server)


async def test_silent_and_slow_clients_are_disconnected_at_a_short_deadline(tmp_path: Path) -> None:
    soon = {"server.http.http_connection.REQUEST_SECONDS": 1.0}
    with ServerProcess(write_settings(tmp_path), deadlines=soon) as server:
        await assert_deadline_ends(server)


async def assert_deadline_ends(server: ServerProcess) -> None:
    """Fail unless a connection ends that sends nothing, or that sends its request too slowly."""

    async def dripped(beginning: bytes) -> int:
        """Return the status of the answer, 0 for none, once the server has closed the connection."""
        async with dialled(server.port) as stranger:
            await stranger.send(beginning)
            ended = asyncio.create_task(stranger.rest())
            while not ended.done():
                await asyncio.sleep(0.3)
                # Data that is still in transit when the server closes can turn its answer into a reset.
                await stranger.send(b"x" if beginning else b"")
            return int((await ended or b"- 0").split()[1])

    begun = [b"", b"GET /hea", request("GET /ws", UPGRADE)[:-2], request(REPORT_STATUS, ("Host: localhost", LENGTH))]
    silent, *dripping = await asyncio.gather(*map(dripped, begun))
    assert silent == 408
    assert set(dripping) <= {0, 408}


async def test_a_client_that_disconnects_in_the_middle_of_a_request_leaves_no_trace(
    server: ServerProcess, bob: ChatClient
) -> None:
    del bob
    for part in (b"", b"GET", request(REPORT_STATUS, ("Host: localhost", LENGTH), b"{")):
        async with dialled(server.port) as stranger:
            await stranger.send(part)
            await asyncio.sleep(0.1)
