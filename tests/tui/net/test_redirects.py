"""A client connects only to the named server: it follows no redirect and uses no proxy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Response

from tests.tui.net.test_server_connection import answering, client
from tui.net import server_address
from tui.net.handshake import refused
from tui.net.server_connection import Lost

REDIRECTS = [300, 301, 302, 303, 307, 308]
WAIT_SECONDS = 10.0


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A port, and what arrives there; b"" for a connection without a request."""
    arrived: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await reader.read(1000))
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], arrived


def moved(status: int, *locations: str) -> bytes:
    """An HTTP redirect."""
    headers = "".join(f"Location: {each}\r\n" for each in locations)
    return f"HTTP/1.1 {status} Moved\r\n{headers}Content-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize(
    "target", ["ws://127.0.0.1:{}/other?a=1", "ws://localhost:{}/ws", "http://127.0.0.1:{}/reboot"]
)
async def test_redirect_is_reported_and_nothing_arrives_at_its_target(status: int, target: str) -> None:
    async with listening() as (port, arrived):
        location = target.format(port)
        async with answering(moved(status, location)) as url, client(url) as ada:
            await ada.until(lambda told: sum(isinstance(event, Lost) for event in told) == 2)
            lost = await ada.lost()
        here = url.removeprefix("ws://").removesuffix("/ws")
        there = location.replace("http://", "ws://")
        assert lost.why == f"the server at {here} has moved to {there}; start with that address"
        assert lost.retry_seconds is not None
    assert arrived == []


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/elsewhere", "has moved to ws://127.0.0.1:PORT/elsewhere;"),
        ("//b.example/ws", "has moved to ws://b.example/ws;"),
        ("wss://b.example/ws#x", "has moved to wss://b.example/ws;"),
        ("https://b.example/", "has moved to wss://b.example/;"),
        ("wss://name:secret@b.example/ws", "has moved to wss://b.example/ws;"),
        ("wss://b.example/\x9b31m\xe2\x80\xae", "has moved to wss://b.example/"),
        (f"wss://b.example/{'x' * 1000}", "x…;"),
        ("file:///etc/passwd", "not a Flagpost server (status 302)"),
        ("javascript:alert(1)", "not a Flagpost server (status 302)"),
        ("wss://[::1/ws", "not a Flagpost server (status 302)"),
        ("wss://b.example:99999/ws", "not a Flagpost server (status 302)"),
    ],
)
async def test_target_of_a_redirect_is_shown_in_one_clean_line(location: str, shown: str) -> None:
    async with answering(moved(302, location)) as url, client(url) as ada:
        lost = await ada.lost()
    assert shown.replace("PORT", url.split(":")[2].removesuffix("/ws")) in lost.why
    assert lost.why.isprintable()
    assert len(lost.why) < 400
    assert "secret" not in lost.why


async def test_a_redirect_to_several_targets_is_not_followed() -> None:
    async with listening() as (port, arrived):
        answer = moved(302, f"ws://127.0.0.1:{port}/a", f"ws://127.0.0.1:{port}/b")
        async with answering(answer) as url, client(url) as ada:
            await ada.until(lambda told: sum(isinstance(event, Lost) for event in told) == 2)
    assert arrived == []


async def test_unencrypted_login_is_not_sent_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as (port, arrived):
        for name in ("ws_proxy", "http_proxy", "https_proxy", "all_proxy", "socks_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        # An address where nothing listens, and which the client does not know as this machine.
        async with client("ws://127.0.0.2:9/ws") as ada:
            await ada.lost()
    assert arrived == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://ada:secret@chat.example/ws", "wss://chat.example/ws"),
        ("wss://ada:secret@[::1/ws", "[::1/ws"),
        ("wss://chat.example/a@b", "wss://chat.example/a@b"),
    ],
)
def test_address_is_shown_without_a_password(url: str, shown: str) -> None:
    assert server_address.shown(url) == shown


def test_target_without_encryption_is_said_to_have_none() -> None:
    response = Response(302, "Found", Headers(Location="ws://a.example/ws"))
    assert "has moved to ws://a.example/ws (which is not encrypted);" in refused("wss://a.example/ws", response)
