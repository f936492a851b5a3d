"""A local server is started when needed and stopped with the client, however the client ends."""

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from server.protocol.codec import decode_server
from server.protocol.frames import Welcome
from server.settings import KEY_VARIABLE as SERVERS_KEY_VARIABLE
from server.storage.sqlite_connection import SqliteConnection
from tests.support.server_process import environment
from tui.net.discovery import find
from tui.net.local_server import CHAT, KEY_VARIABLE, LocalServerError, start
from tui.options import Options

WAIT_SECONDS = 15.0
PARENT = """
import asyncio, sys
from tui.net.local_server import CHAT, start

async def main():
    server = await start("server", ["--settings", sys.argv[1]], [CHAT])
    print(server.urls[CHAT], flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def settings(directory: Path, text: str = "") -> Path:
    """Write settings with a free port."""
    file = directory / "my.toml"
    file.write_text(f'Address = "127.0.0.1:0"\nDatabase = "{directory.as_posix()}/room.sqlite"\n{text}')
    return file


def listens(url: str) -> bool:
    """Return whether anything accepts connections at the host and port of a URL."""
    host, _, port = url.removeprefix("ws://").partition("/")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


def until_gone(url: str) -> None:
    """Wait until nothing listens at a URL."""
    end = time.monotonic() + WAIT_SECONDS
    while listens(url):
        assert time.monotonic() < end, f"something still listens at {url}"
        time.sleep(0.05)


async def welcome(url: str) -> Welcome:
    """Return the server's first frame."""
    async with connect(url, proxy=None) as connection:
        frame = decode_server(await connection.recv(decode=False))
    assert isinstance(frame, Welcome)
    return frame


async def test_local_server_starts_serves_and_stops(tmp_path: Path) -> None:
    server = await start("server", ["--settings", str(settings(tmp_path, 'Title = "Mine"'))], [CHAT])
    assert (await welcome(server.urls[CHAT])).title == "Mine"
    await server.stop()
    assert not listens(server.urls[CHAT])
    await server.stop()


async def test_local_server_stops_although_someone_is_connected(tmp_path: Path) -> None:
    server = await start("server", ["--settings", str(settings(tmp_path))], [CHAT])
    async with connect(server.urls[CHAT], proxy=None) as connection:
        await connection.recv()
        await server.stop()
        assert not listens(server.urls[CHAT])


async def test_a_folder_named_server_in_the_working_directory_does_not_pose_as_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server").mkdir()
    for name in ("__init__.py", "__main__.py"):
        (tmp_path / "server" / name).write_text('print("Chat room: ws://evil.example/ws", flush=True)')
    monkeypatch.chdir(tmp_path)
    server = await start("server", ["--settings", str(settings(tmp_path))], [CHAT])
    assert server.urls[CHAT].startswith("ws://127.0.0.1:")
    await server.stop()


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A hostile downloaded folder in which the client is started; its settings name a key, a database and a port."""
    folder = tmp_path / "download"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "precious.sqlite", factory=SqliteConnection)) as precious:
        precious.execute("CREATE TABLE mine (text)")
        precious.commit()
    trap = """
        Title = "Trap"
        Database = "precious.sqlite"
        Address = "127.0.0.1:0"
        [[WebhookURLs]]
        Name = "profile"
        Enabled = true
        URL = "http://127.0.0.1:9/"
    """
    (folder / "settings.toml").write_text(trap)
    for name in ("HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv(KEY_VARIABLE, "the-operators-real-key-123456")
    monkeypatch.chdir(folder)
    yield folder
    assert sorted(each.name for each in folder.iterdir()) == ["precious.sqlite", "settings.toml"]


async def test_server_without_settings_uses_nothing_from_the_working_directory(trap: Path) -> None:
    before = (trap / "precious.sqlite").read_bytes()
    server = await start("server", ["--address", "127.0.0.1:0"], [CHAT])
    said = await welcome(server.urls[CHAT])
    await server.stop()
    assert said.title == "Flagpost"
    assert not said.webhooks.report
    assert not said.webhooks.profile
    assert (trap / "precious.sqlite").read_bytes() == before
    assert list((trap.parent / "home").rglob("flagpost.sqlite"))


@pytest.mark.usefixtures("trap")
async def test_settings_that_are_named_are_used_with_the_key_of_the_environment(trap: Path) -> None:
    named = settings(
        trap.parent, 'Title = "Named"\n[[WebhookURLs]]\nName = "profile"\nEnabled = true\nURL = "http://h/"'
    )
    server = await start("server", ["--settings", str(named)], [CHAT])
    said = await welcome(server.urls[CHAT])
    await server.stop()
    assert (said.title, said.webhooks.profile) == ("Named", True)


async def test_key_of_the_environment_is_used_only_with_settings_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printing = "import os, sys; print('Chat room:', os.environ.get('FLAGPOST_ADMIN_API_KEY'), flush=True); input()"
    (tmp_path / "printing_module.py").write_text(printing)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv(KEY_VARIABLE, "secret")
    for arguments, key in ((["--settings", "x"], "secret"), ([], "None")):
        server = await start("printing_module", arguments, [CHAT])
        assert server.urls[CHAT] == key
        await server.stop()


def test_client_and_server_read_the_key_from_the_same_variable() -> None:
    assert KEY_VARIABLE == SERVERS_KEY_VARIABLE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('Titel = "x"', "Titel"),
        ("Title = 5", "Title"),
        ("Title =", "line 3"),
        ('[[WebhookURLs]]\nName = "report"\nEnabled = true\nURL = "http://h/"', "AdminAPIKey"),
    ],
)
async def test_unusable_settings_show_the_error_line_of_the_server(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(LocalServerError) as raised:
        await start("server", ["--settings", str(settings(tmp_path, text))], [CHAT])
    assert "my.toml" in str(raised.value)
    assert why in str(raised.value)
    assert not str(raised.value).startswith("flagpost")
    assert len(str(raised.value).splitlines()) == 1


async def test_a_server_that_ends_without_output_is_reported_as_ended_at_once() -> None:
    with pytest.raises(LocalServerError, match="the one on this machine ended at once"):
        await start("this", [], [CHAT])


async def test_a_server_whose_start_is_cancelled_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pid"
    (tmp_path / "silent_module.py").write_text(
        f"import os; open({str(file)!r}, 'w').write(f'{{os.getpid()}} '); input()"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    starting = asyncio.create_task(start("silent_module", [], [CHAT]))
    async with asyncio.timeout(30):
        while not (file.exists() and file.read_text().endswith(" ")):
            await asyncio.sleep(0.01)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


async def test_a_module_that_cannot_start_is_named() -> None:
    with pytest.raises(LocalServerError, match="no_such_module"):
        await start("no_such_module", [], [CHAT])


async def test_a_server_is_started_where_none_listens_and_a_notice_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = tmp_path / "my.toml"
    file.write_text(f'Address = "127.0.0.1:{port}"\nDatabase = "{tmp_path.as_posix()}/room.sqlite"')
    found = await find(Options("ada", settings=file))
    assert found.server
    assert found.url == f"ws://127.0.0.1:{port}/ws"
    assert len(found.notices) == 1
    assert f"127.0.0.1:{port}" in found.notices[0]
    await found.server.stop()
    assert not listens(found.url)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_local_server_ends_with_its_parent_however_that_ended(tmp_path: Path, how: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(settings(tmp_path))],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        url = parent.stdout.readline().strip() if parent.stdout else ""
        try:
            assert listens(url)
            parent.send_signal(how)
            assert parent.wait(WAIT_SECONDS) == -how
        finally:
            parent.kill()
    until_gone(url)


async def test_a_long_log_does_not_block_the_local_server(tmp_path: Path) -> None:
    server = await start("server", ["--settings", str(settings(tmp_path))], [CHAT])
    host, _, port = server.urls[CHAT].removeprefix("ws://").partition("/")[0].rpartition(":")
    async with asyncio.timeout(WAIT_SECONDS):
        for _ in range(300):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"no HTTP at all\r\n\r\n")
            writer.close()
    assert (await welcome(server.urls[CHAT])).title
    await server.stop()
