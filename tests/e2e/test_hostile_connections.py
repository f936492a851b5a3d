"""What one address can use before a request: connections, handshakes, descriptors; on both event loops."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
import trustme

from tests.support.certificates import tls_settings, trusting
from tests.support.chat_client import entered
from tests.support.raw_socket import UPGRADE, RawSocket, dialled, request
from tests.support.server_process import ROOT, ServerProcess, write_settings

AUTHORITY = trustme.CA()
TRUSTING = trusting(AUTHORITY)
WAIT_SECONDS = 30.0
PLACES = 4
OTHER = "127.0.0.2"
"""An address that is exempt from limits, unlike 127.0.0.1."""
ALL_COUNT: Mapping[str, int | list[str]] = {
    "ConnectionsPerAddress": PLACES,
    "NewConnectionsPer10Minutes": 0,
    "ExemptAddresses": [OTHER],
}
HEALTH = request("GET /healthz")


SOON = {"server.http.acceptor.HANDSHAKE_SECONDS": 2.0, "server.http.http_connection.REQUEST_SECONDS": 4.0}


def started(
    directory: Path,
    loop: str,
    limits: Mapping[str, int | list[str]],
    *,
    tls: bool,
    deadlines: Mapping[str, float] | None = None,
) -> ServerProcess:
    """Start a server on this event loop."""
    settings = write_settings(directory, limits=limits)
    if tls:
        with settings.open("a", encoding="utf-8") as file:
            file.write(tls_settings(directory, AUTHORITY))
    return ServerProcess(settings, extra=_without_uvloop(directory) if loop == "asyncio" else None, deadlines=deadlines)


def _without_uvloop(directory: Path) -> dict[str, str]:
    hidden = directory / "without"
    hidden.mkdir()
    (hidden / "uvloop.py").write_text("raise ImportError", encoding="utf-8")
    return {"PYTHONPATH": f"{hidden}:{ROOT}"}


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    """The name of the server's event loop."""
    return str(request.param)


@asynccontextmanager
async def reached(port: int, *, tls: bool, source: str = "127.0.0.1") -> AsyncIterator[RawSocket]:
    """Connect from this address, and complete the TLS handshake if there is one."""
    async with asyncio.timeout(WAIT_SECONDS):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=TRUSTING if tls else None, local_addr=(source, 0)
        )
    try:
        yield RawSocket(reader, writer)
    finally:
        writer.transport.abort()


async def healthy(port: int, *, tls: bool, source: str = "127.0.0.1") -> bool:
    """Return whether a request from this address is answered."""
    try:
        async with reached(port, tls=tls, source=source) as one:
            return (await one.answer(HEALTH))[0] == 200
    except OSError:
        return False


async def is_cut(port: int) -> bool:
    """Return whether a connection is closed as soon as it is accepted."""
    async with dialled(port) as one:
        try:
            async with asyncio.timeout(1):
                return await one.rest() == b""
        except TimeoutError:
            return False


@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "plain"])
async def test_silent_connections_use_up_only_the_slots_of_their_own_address(
    tmp_path: Path, loop: str, *, tls: bool
) -> None:
    with started(tmp_path, loop, ALL_COUNT, tls=tls) as server:
        async with AsyncExitStack() as stack:
            for _ in range(PLACES):
                await stack.enter_async_context(dialled(server.port))
            assert await is_cut(server.port)
            assert not await healthy(server.port, tls=tls)
            assert await healthy(server.port, tls=tls, source=OTHER)
        assert await eventually(lambda: healthy(server.port, tls=tls))
        assert server.log == ""


async def eventually(check: Callable[[], Awaitable[bool]]) -> bool:
    """Wait until the check succeeds."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await check():
            await asyncio.sleep(0.05)
    return True


async def _silent(port: int, *, tls: bool) -> None:
    """Send nothing until the server's deadline."""
    del tls
    async with dialled(port) as one:
        await one.rest()


async def _leaves(port: int, *, tls: bool) -> None:
    del tls
    async with dialled(port):
        pass


async def _resets(port: int, *, tls: bool) -> None:
    """Reset the connection in the middle of the handshake or the request's head."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01" if tls else HEALTH[:9])
        await asyncio.sleep(0.05)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _garbage(port: int, *, tls: bool) -> None:
    del tls
    async with dialled(port) as one:
        await one.answer(bytes(64))


async def _distrusts(port: int, *, tls: bool) -> None:
    assert tls
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())


async def _says_nothing(port: int, *, tls: bool) -> None:
    """Complete the handshake and send nothing."""
    async with reached(port, tls=tls) as one:
        await one.rest()


async def _status(one: RawSocket, data: bytes) -> int:
    """Return the status of the answer to a request. Raises ConnectionError if the connection is cut without one."""
    status, _ = await one.answer(data)
    if not status:
        # As many connect at once as there are slots; while an earlier one is still closing, the last is cut.
        raise ConnectionError("cut without an answer")
    return status


async def _asks(port: int, *, tls: bool) -> None:
    async with reached(port, tls=tls) as one:
        assert await _status(one, HEALTH) == 200


async def _is_refused(port: int, *, tls: bool) -> None:
    async with reached(port, tls=tls) as one:
        assert await _status(one, request("POST /", ("Host: localhost", "Transfer-Encoding: chunked"))) == 411


async def _chats(port: int, *, tls: bool) -> None:
    async with reached(port, tls=tls) as one:
        await one.upgrade()


async def _begins_no_websocket(port: int, *, tls: bool) -> None:
    async with reached(port, tls=tls) as one:
        assert await _status(one, request("GET /ws", (*UPGRADE, "Origin: https://evil.example"))) == 403


class End(Protocol):
    """One way of ending a connection."""

    def __call__(self, port: int, *, tls: bool) -> Awaitable[None]:
        """Open a connection and end it."""


async def happens(end: End, port: int, *, tls: bool) -> bool:
    """Return whether a connection could be ended this way; it cannot while earlier ones are still closing."""
    try:
        await end(port, tls=tls)
    except (ConnectionError, asyncio.IncompleteReadError):
        return False
    return True


ENDS: list[End] = [_silent, _leaves, _resets, _garbage, _asks, _is_refused, _chats, _begins_no_websocket]
AFTER_A_HANDSHAKE: list[End] = [_distrusts, _says_nothing]


@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "plain"])
async def test_each_slot_is_released_once_however_a_connection_ends(tmp_path: Path, loop: str, *, tls: bool) -> None:
    limits = {**ALL_COUNT, "RequestsPerMinute": 1000}
    with started(tmp_path, loop, limits, tls=tls, deadlines=SOON) as server:
        for end in [*ENDS, *(AFTER_A_HANDSHAKE if tls else [])]:
            await asyncio.gather(*(eventually(partial(happens, end, server.port, tls=tls)) for _ in range(PLACES)))
            async with AsyncExitStack() as stack:
                for _ in range(PLACES):
                    assert await eventually(lambda: healthy(server.port, tls=tls)), end
                for _ in range(PLACES):
                    await stack.enter_async_context(dialled(server.port))
                assert await eventually(lambda: is_cut(server.port)), end
                assert await is_cut(server.port), end
        assert server.log == ""


async def test_handshakes_of_an_address_are_limited(tmp_path: Path, loop: str) -> None:
    limits = {**ALL_COUNT, "RequestsPerMinute": 5}
    with started(tmp_path, loop, limits, tls=True) as server:
        heads: list[bytes] = []

        async def is_refused() -> bool:
            try:
                async with reached(server.port, tls=True) as one:
                    await one.send(HEALTH)
                    heads.append(await one.until(b"\r\n\r\n"))
            except ConnectionError:
                return True
            return False

        # On a slow machine, time passes and a few more are allowed.
        assert await eventually(is_refused)
        assert all(head.startswith(b"HTTP/1.1 200 ") for head in heads[:5])
        assert heads[-1].startswith(b"HTTP/1.1 429 ")
        assert b"\r\nretry-after: " in heads[-1].lower()
        assert await healthy(server.port, tls=True, source=OTHER)


@pytest.mark.parametrize("deadlines", [SOON, pytest.param({}, marks=pytest.mark.slow)], ids=["short", "default"])
async def test_a_handshake_has_a_deadline_and_others_do_not_wait_for_it(
    tmp_path: Path, loop: str, deadlines: Mapping[str, float]
) -> None:
    with started(tmp_path, loop, ALL_COUNT, tls=True, deadlines=deadlines) as server:
        async with dialled(server.port) as silent:
            ended = asyncio.create_task(silent.rest())
            while not ended.done():
                assert await healthy(server.port, tls=True)
                await asyncio.sleep(0.2)
            assert await ended == b""


DESCRIPTORS = 64


def limited(settings: Path, loop: str, hidden: Path) -> ServerProcess:
    """A server with a low limit on open files."""
    if loop == "asyncio":
        (hidden / "uvloop.py").write_text("raise ImportError", encoding="utf-8")
    (hidden / "sitecustomize.py").write_text(
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))", encoding="utf-8"
    )
    return ServerProcess(settings, extra={"PYTHONPATH": f"{hidden}:{ROOT}"})


async def test_a_lack_of_descriptors_is_logged_once_and_accepting_resumes_once_some_are_free(
    tmp_path: Path, loop: str
) -> None:
    pytest.importorskip("resource")
    with limited(write_settings(tmp_path, limits={}), loop, tmp_path) as server:
        async with entered(server.url, "alice") as alice:
            async with AsyncExitStack() as stack:
                for _ in range(2 * DESCRIPTORS):
                    await stack.enter_async_context(dialled(server.port))

                async def told() -> bool:
                    return "LimitNOFILE" in server.log

                assert await eventually(told)
                await alice.say("lobby", "still here")
                # The server retries every second.
                await asyncio.sleep(2.5)
            assert await eventually(lambda: healthy(server.port, tls=False))
            await alice.say("lobby", "and now")
        (line,) = server.log.splitlines()
        assert "error" in line
        assert "open files" in line


@pytest.mark.parametrize(("soft", "hard", "found"), [(256, 512, 512), (512, 512, 512), (256, 100_000, 65_536)])
async def test_a_server_raises_its_descriptor_limit_as_far_as_allowed(
    tmp_path: Path, soft: int, hard: int, found: int
) -> None:
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        pytest.skip(
            f"needs {hard} open files: run `ulimit -Hn {hard}` as root first, or raise the limit of the container"
        )
    (tmp_path / "sitecustomize.py").write_text(
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))", encoding="utf-8"
    )
    extra = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    with ServerProcess(write_settings(tmp_path), extra=extra) as server:
        assert await eventually(lambda: healthy(server.port, tls=False))
        assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE) == (found, hard)
