"""The local server listens on a socket that no other user can reach, replace or imitate."""

import asyncio
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.protocol.address import Address
from tests.support.plain_client import PlainClient
from tests.support.server_process import ServerProcess, environment, run, write_settings
from tests.tui.net.test_server_connection import Client
from tui.net import identity, own_socket
from tui.net.client_session import EnrolledKey
from tui.net.discovery import find
from tui.net.local_server import LocalServerError
from tui.net.server_connection import Received
from tui.options import Options

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")

WAIT_SECONDS = 20.0
PARENT = """
import asyncio, signal
from tui.net.discovery import find
from tui.options import Options

# Under nohup, and on many CI runners, the signal is ignored, and children inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

async def main():
    found = await find(Options("ada"))
    print(found.url, found.own, found.server is not None, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Address:
    """A working directory without settings, and a default address where nothing listens."""
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = Address(*free.getsockname())
    monkeypatch.setattr("tui.net.discovery.configured", lambda _settings: (address, False))
    return address


@pytest.fixture
def path(_data_home: None) -> Path:
    """The path of the socket, in a prepared directory."""
    found = own_socket.place()
    assert found
    own_socket.prepare(found.parent)
    return found


@contextmanager
def listening(address: Address) -> Iterator[str]:
    """Listen; yield the URL. Connections wait in the backlog."""
    with socket.create_server(address):
        yield address.websocket_url()


def remember(address: str) -> None:
    """Store a key, as if a server at an address had been used before."""
    keys = identity.acquire(address, "ada")
    keys.remember("server-1", EnrolledKey("ada", b"s" * 32))
    keys.release()


def mode_of(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


async def until_dead(path: Path) -> None:
    """Wait until nothing listens on a socket."""
    end = time.monotonic() + WAIT_SECONDS
    while await own_socket.is_alive(path):
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def test_the_own_server_listens_on_a_socket_that_only_its_user_can_reach(path: Path) -> None:
    found = await find(Options("ada"))
    assert found.server
    try:
        assert (found.url, found.own) == (f"unix:{path}", True)
        assert "stops when you quit" in found.notices[0]
        client = Client(found.url)
        await client.until(lambda told: any(isinstance(event, Received) for event in told))
        client.life.cancel()
        assert {mode_of(each) & 0o077 for each in (path.parent, path, path.parents[1] / "flagpost.sqlite")} == {0}
    finally:
        await found.server.stop()
    await until_dead(path)


@pytest.mark.parametrize("folder", ["two  spaces", "no\u00a0break", "zero\u200bwidth", "le\u200fft"])
async def test_the_own_server_is_found_in_a_directory_with_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / folder))
    found = await find(Options("ada"))
    assert found.server
    await found.server.stop()
    assert found.url == f"unix:{own_socket.place()}"


async def test_two_clients_that_start_at_once_share_one_server(path: Path) -> None:
    first, second = await asyncio.gather(find(Options("ada")), find(Options("bob")))
    servers = [found.server for found in (first, second) if found.server]
    try:
        assert len(servers) == 1
        assert first.url == second.url == f"unix:{path}"
    finally:
        await servers[0].stop()


async def test_a_stale_socket_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    assert not await own_socket.is_alive(path)
    found = await find(Options("ada"))
    assert found.server
    assert await own_socket.is_alive(path)
    await found.server.stop()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_own_server_ends_with_the_client_that_started_it(path: Path, tmp_path: Path, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    ) as parent:
        try:
            printed = parent.stdout.readline() if parent.stdout else ""
            if printed.startswith("unix:"):
                assert printed.split() == [f"unix:{path}", "True", "True"]
                assert asyncio.run(own_socket.is_alive(path))
            parent.send_signal(how)
            assert parent.wait(WAIT_SECONDS) == -how
        finally:
            parent.kill()
    asyncio.run(until_dead(path))


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o755, 0o701])
async def test_a_directory_that_others_can_enter_is_refused(path: Path, mode: int) -> None:
    path.parent.chmod(mode)
    with pytest.raises(LocalServerError, match=re.escape(str(path.parent))) as raised:
        await find(Options("ada"))
    assert "chmod 700" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("which", [0, 1, 2])
async def test_a_directory_of_another_user_is_refused(path: Path, which: int) -> None:
    os.chown([path.parent, *path.parent.parents][which], 65534, 65534)
    with pytest.raises(LocalServerError, match=re.escape(str(path.parent))):
        await find(Options("ada"))


async def test_a_directory_within_one_that_others_can_change_is_refused(path: Path) -> None:
    path.parents[1].chmod(0o777)
    with pytest.raises(LocalServerError, match="others can change"):
        await find(Options("ada"))
    path.parents[1].chmod(0o1777)
    own_socket.prepare(path.parent)


async def test_a_link_in_place_of_the_directory_is_refused(path: Path, tmp_path: Path) -> None:
    path.parent.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    path.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalServerError, match="only you can use"):
        await find(Options("ada"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
async def test_a_socket_of_another_user_is_refused(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        assert await own_socket.is_alive(path)
        os.chown(path, 65534, 65534)
        with pytest.raises(LocalServerError, match="not your socket"):
            await find(Options("ada"))


def test_something_else_in_place_of_the_socket_is_refused(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(LocalServerError, match="not your socket"):
        asyncio.run(find(Options("ada")))
    assert path.read_text() == "precious"


def test_a_long_path_falls_back_to_a_short_one_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = []
    for letter in "ab":
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / (letter * 120)))
        place = own_socket.place()
        assert place
        assert len(os.fsencode(place)) <= own_socket.MAX_PATH_BYTES
        places.append(place)
    assert len(set(places)) == 2


async def test_a_new_server_at_the_default_address_is_joined_and_announced_as_new(path: Path, default: Address) -> None:
    with listening(default) as url:
        found = await find(Options("ada"))
        assert (found.url, found.server, found.own) == (url, None, False)
        assert "your first time" in found.notices[0]
        remember(url)
        assert (await find(Options("ada"))).notices == []
    assert not await own_socket.is_alive(path)


async def test_a_user_with_a_server_is_not_connected_to_a_new_one(path: Path, default: Address) -> None:
    remember(f"unix:{path}")
    with listening(default) as url:
        found = await find(Options("ada"))
        assert found.server
        await found.server.stop()
        assert found.url == f"unix:{path}"
        assert url in found.notices[0]
        remember(url)
        assert (await find(Options("ada"))).url == url


def test_the_server_says_where_it_listens_and_replaces_no_other(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    path = tmp_path / "s"
    with ServerProcess(settings, "--socket", str(path)) as server:
        assert server.url == f"unix:{path}"
        second = run("--settings", str(settings), "--socket", str(path), directory=tmp_path)
        assert (second.returncode, len(second.stderr.splitlines())) == (2, 1)
        assert "already listening there" in second.stderr
        with PlainClient(server.url, "ada", tmp_path) as ada:
            ada.until("Connected as ada")
            ada.write("over the socket")
            ada.until("ada» over the socket")
            assert ada.end_input() == (0, [])
        for what in ("healthz", "readyz", "metrics", "api/statistics"):
            assert get(path, what).startswith(b"HTTP/1.1 200")
        assert server.terminate() == 0
        assert "Traceback" not in server.log


def get(path: Path, what: str) -> bytes:
    """Return the HTTP response from a socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(WAIT_SECONDS)
        client.connect(str(path))
        client.sendall(f"GET /{what} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = b""
        while part := client.recv(65536):
            answer += part
    return answer


async def test_a_client_that_quits_while_it_waits_for_another_ends_at_once(path: Path) -> None:
    waiting = asyncio.Event()

    async def wait() -> None:
        waiting.set()
        async with own_socket.exclusive(path):
            pass

    async with asyncio.timeout(WAIT_SECONDS), own_socket.exclusive(path):
        task = asyncio.create_task(wait())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # As at the end of the process, which waits for its threads.
        await asyncio.get_running_loop().shutdown_default_executor()
