"""Proxies of the environment: which one is used, and one clear sentence for each that does not work."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tui.net import proxies
from tui.net.client_session import ClientSession
from tui.net.server_connection import Connection, Event, Lost

URL = "wss://chat.example/ws"
WAIT_SECONDS = 20.0
SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("variables", "chosen"),
    [
        ({}, None),
        ({"https_proxy": "http://proxy:1"}, ("http://proxy:1", "https_proxy")),
        ({"HTTPS_PROXY": "http://proxy:1"}, ("http://proxy:1", "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:1"}, ("http://lower:1", "https_proxy")),
        ({"HTTPS_PROXY": "http://proxy:1", "https_proxy": ""}, None),
        ({"ALL_PROXY": "http://proxy:1"}, ("http://proxy:1", "ALL_PROXY")),
        ({"all_proxy": "http://all:1", "HTTPS_PROXY": "http://proxy:1"}, ("http://proxy:1", "HTTPS_PROXY")),
        ({"http_proxy": "http://proxy:1", "socks_proxy": "socks5://proxy:1"}, None),
        ({"https_proxy": "proxy:3128"}, ("http://proxy:3128", "https_proxy")),
        ({"https_proxy": " HTTP://proxy:3128/ "}, ("http://proxy:3128/", "https_proxy")),
        ({"ALL_PROXY": "socks://proxy:1"}, ("socks5h://proxy:1", "ALL_PROXY")),
        ({"https_proxy": "http://proxy:1", "NO_PROXY": "chat.example"}, None),
        ({"https_proxy": "http://proxy:1", "no_proxy": "other, .example"}, None),
        ({"https_proxy": "http://proxy:1", "no_proxy": "other *"}, None),
        ({"https_proxy": "http://proxy:1", "no_proxy": "chat.example:8443"}, ("http://proxy:1", "https_proxy")),
    ],
)
def test_proxy_variables_have_the_same_precedence_as_in_curl(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], chosen: tuple[str, str] | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxies.choose(URL) == chosen


@pytest.mark.parametrize(
    ("url", "used"),
    [
        (URL, True),
        ("ws://chat.example/ws", False),
        ("wss://localhost:9000/ws", False),
        ("wss://127.8.0.1:9000/ws", False),
        ("wss://10.1.2.3/ws", False),
        ("wss://10.2.0.1/ws", True),
    ],
)
def test_a_proxy_is_used_only_if_it_cannot_read_the_traffic(
    monkeypatch: pytest.MonkeyPatch, url: str, *, used: bool
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:1")
    monkeypatch.setenv("no_proxy", "10.1.0.0/16")
    assert bool(proxies.choose(url)) == used


async def why_lost(url: str = "wss://chat.invalid/ws") -> Lost:
    """Connect, and return the first loss."""
    lost: asyncio.Future[Lost] = asyncio.get_running_loop().create_future()

    def take(event: Event) -> None:
        if isinstance(event, Lost) and not lost.done():
            lost.set_result(event)

    connection = asyncio.create_task(Connection(url, ClientSession("ada"), take).run())
    async with asyncio.timeout(WAIT_SECONDS):
        found = await lost
    connection.cancel()
    await asyncio.gather(connection, return_exceptions=True)
    return found


def assert_clear(lost: Lost, variable: str) -> None:
    assert variable in lost.why
    assert lost.why.isprintable()
    assert SECRET not in lost.why


@pytest.mark.parametrize(
    "value",
    [
        "gopher://127.0.0.1:1",
        "http://",
        "http:///",
        "http://127.0.0.1:1/path",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
        f"http://{SECRET}@127.0.0.1:1",
        f"http://ada:{SECRET}@[::1:1",
        "::",
        "\x1b[2J",
    ],
)
async def test_a_variable_without_a_valid_proxy_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    lost = await why_lost()
    assert_clear(lost, "HTTPS_PROXY names no proxy; write it like http://HOST:PORT")
    assert lost.retry_seconds is None, "the environment stays as it is"


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"])
async def test_a_socks_proxy_names_the_package_that_it_needs(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, f"socks5://ada:{SECRET}@127.0.0.1:9")
    assert_clear(await why_lost(), f"({variable}) needs python-socks; run: pipx inject flagpost python-socks")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_dead_proxy_is_named_and_tried_again(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("https_proxy", f"{scheme}://ada:{SECRET}@127.0.0.1:{port}")
    lost = await why_lost()
    assert_clear(
        lost, f"the proxy {scheme}://127.0.0.1:{port} (https_proxy) cannot be reached: nothing is listening there"
    )
    assert "or add chat.invalid to NO_PROXY" in lost.why
    assert lost.retry_seconds is not None


@asynccontextmanager
async def proxy(answer: bytes) -> AsyncIterator[int]:
    """Answer the first request on each connection; yield the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "(ALL_PROXY) asks for a password"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "(ALL_PROXY) does not connect to chat.invalid (status 503)"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "(ALL_PROXY) does not answer like a proxy"),
        (b"", "(ALL_PROXY) "),
    ],
)
async def test_a_proxy_that_refuses_is_named_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str
) -> None:
    async with proxy(answer) as port:
        monkeypatch.setenv("ALL_PROXY", f"http://ada:{SECRET}@127.0.0.1:{port}")
        lost = await why_lost()
    assert_clear(lost, said)
    assert lost.retry_seconds is not None
