"""How the server process starts and stops."""

import asyncio
import json
import os
import socket
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from subprocess import PIPE, Popen, check_output

import httpx
import pytest

from server.protocol.codes import CloseCode, may_reconnect
from server.protocol.frames import Disconnect, Message, ReportRequest
from server.protocol.version import VERSION
from server.storage.sqlite_connection import SqliteConnection
from tests.support.chat_client import connected, entered
from tests.support.raw_socket import refuses
from tests.support.receiver import Receiver, stays_silent
from tests.support.server_process import KEY, ROOT, ServerProcess, environment, run, write_settings

SIGTERM_IS_HEARD = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")


@SIGTERM_IS_HEARD
async def test_sigterm_asks_everyone_to_reconnect_and_exits_with_success(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, connected(server.url) as (nobody, _):
        server.process.terminate()
        for client in (alice, nobody):
            goodbye = await client.next(Disconnect)
            assert (goodbye.code, goodbye.reconnect) == (CloseCode.SERVICE_RESTART, True)
            code, _ = await client.closed()
            assert code == CloseCode.SERVICE_RESTART
            assert may_reconnect(code)
    assert server.terminate() == 0
    assert "Traceback" not in server.log


@SIGTERM_IS_HEARD
async def test_messages_sent_before_sigterm_are_stored(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice:
            for number in range(200):
                await alice.say_only("lobby", str(number))
            # By now the server has read all of it.
            await alice.settled()
            code, _ = await asyncio.gather(asyncio.to_thread(server.terminate), alice.closed())
            assert code == 0
    with closing(sqlite3.connect(tmp_path / "room.sqlite", factory=SqliteConnection)) as database:
        rows = database.execute("SELECT text FROM message ORDER BY id").fetchall()
    assert [text for (text,) in rows] == [str(number) for number in range(200)]


@SIGTERM_IS_HEARD
async def test_a_connection_without_a_handshake_does_not_delay_the_shutdown(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\n")
        async with connected(server.url):
            assert await asyncio.to_thread(server.terminate) == 0


@SIGTERM_IS_HEARD
@pytest.mark.parametrize("attempt", range(3))
def test_sigterm_right_after_the_start_is_handled(tmp_path: Path, attempt: int) -> None:
    del attempt
    with ServerProcess(write_settings(tmp_path)) as server:
        assert server.terminate() == 0


@pytest.mark.parametrize("attempt", range(2))
def test_a_child_ends_when_its_standard_input_closes(tmp_path: Path, attempt: int) -> None:
    del attempt
    with ServerProcess(write_settings(tmp_path), "--child") as server:
        assert server.process.stdin
        server.process.stdin.close()
        assert server.process.wait(20) == 0


async def test_messages_survive_a_restart(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice:
            before = await alice.say("lobby", "before")
        async with connected(server.url) as (_, welcome):
            epoch = welcome.epoch
        await asyncio.to_thread(server.terminate)
    with ServerProcess(settings) as server:
        async with connected(server.url) as (alice, welcome):
            assert welcome.epoch == epoch
            await alice.login("alice")
            assert [message.message for message in alice.echo.messages] == ["before"]
            assert (await alice.say("lobby", "after")).msg_id > before.msg_id


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('Titel = "Room"', "Titel"),
        ("Title = 5", "Title"),
        ("Title =", "line 1"),
        (f'AdminAPIKey = "{KEY}"\n[[WebhookURLs]]\nName = "report"\nEnabled = true\nURL = "x"', "WebhookURLs[0].URL"),
        ('[[WebhookURLs]]\nName = "report"\nEnabled = true\nURL = "http://h/"', "AdminAPIKey"),
        ('Address = "localhost"', "Address"),
        ('Database = "no/such/directory/room.sqlite"', "Database"),
    ],
)
def test_unusable_settings_exit_with_one_line_and_code_2(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text, encoding="utf-8")
    ended = run("--settings", str(file), "--address", "127.0.0.1:0", directory=tmp_path)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("flagpost: ")
    assert f"{where}: " in ended.stderr
    assert KEY not in ended.stderr


def test_a_missing_settings_file_exits_with_code_2(tmp_path: Path) -> None:
    ended = run("--settings", "nowhere.toml", directory=tmp_path)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "nowhere.toml" in ended.stderr


def test_an_address_in_use_exits_with_one_line_and_code_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run("--address", address, directory=tmp_path)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert address in ended.stderr
    assert "--address" in ended.stderr


def test_an_invalid_address_exits_with_code_2(tmp_path: Path) -> None:
    ended = run("--address", "localhost", directory=tmp_path)
    assert ended.returncode == 2
    assert "127.0.0.1:9000" in ended.stderr


async def test_a_server_with_settings_of_barertc_logs_one_notice_and_serves(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    settings.write_text("PermitNSFW = true\nMaxImageWidth = 1280\n" + settings.read_text(encoding="utf-8"))
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice"):
            (line,) = server.log.splitlines()
            assert "MaxImageWidth, PermitNSFW" in line


def test_the_key_in_the_environment_replaces_an_empty_one_in_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[[WebhookURLs]]\nName = "report"\nEnabled = true\nURL = "http://127.0.0.1:1/"', encoding="utf-8")
    with ServerProcess(file, extra={"FLAGPOST_ADMIN_API_KEY": "a-secret-of-the-environment"}) as server:
        assert server.url
        assert "a-secret" not in server.log


@SIGTERM_IS_HEARD
async def test_requests_received_before_sigterm_are_answered_before_the_close(tmp_path: Path) -> None:
    with (
        ServerProcess(write_settings(tmp_path)) as server,
        closing(sqlite3.connect(tmp_path / "room.sqlite", factory=SqliteConnection)) as other,
    ):
        async with entered(server.url, "alice") as alice:
            # The message has been read and waits for the disk when the signal arrives.
            other.execute("BEGIN IMMEDIATE")
            nonce = await alice.say_only("lobby", "last words")
            await alice.settled()
            server.process.terminate()
            async with asyncio.timeout(20):
                while not await refuses(server.port):
                    await asyncio.sleep(0.02)
            other.execute("ROLLBACK")
            assert (await alice.next(Message, lambda message: message.nonce == nonce)).message == "last words"
            assert not any(isinstance(frame, Disconnect) for frame in alice.seen)
            await alice.next(Disconnect)
            await alice.closed()
        assert server.terminate() == 0


SOON = {"server.app.DELIVERY_SECONDS": 1.0, "server.http.gateway.CLOSE_SECONDS": 1}


@SIGTERM_IS_HEARD
@pytest.mark.parametrize("deadlines", [SOON, pytest.param({}, marks=pytest.mark.slow)], ids=["short", "default"])
async def test_a_silent_site_and_a_silent_client_do_not_delay_the_shutdown(
    tmp_path: Path, deadlines: Mapping[str, float]
) -> None:
    with (
        Receiver(stays_silent) as site,
        ServerProcess(write_settings(tmp_path, webhooks={"report": site.url}), deadlines=deadlines) as server,
    ):
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            message = await bob.say("lobby", "buy")
            await alice.send(ReportRequest(message.msg_id, "It's spam", "", "n-1"))
            await asyncio.to_thread(site.wait_for, 1)
            assert await asyncio.to_thread(server.terminate) == 0
        assert "Traceback" not in server.log
    with closing(sqlite3.connect(tmp_path / "room.sqlite", factory=SqliteConnection)) as database:
        assert database.execute("SELECT state FROM delivery").fetchall() == [("waiting",)]


@SIGTERM_IS_HEARD
def test_the_json_log_has_a_start_event_and_an_end_event_with_its_cause(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    settings.write_text(settings.read_text(encoding="utf-8") + '\n[Log]\nFormat = "json"\n')
    with ServerProcess(settings, "--child") as server:
        assert server.terminate() == 0
        first, *_, last = [json.loads(line) for line in server.log.splitlines()]
        assert (first["event"], first["address"], first["version"]) == ("serving", server.url, VERSION)
        assert (last["event"], last["signal"]) == ("ending", "SIGTERM")


@SIGTERM_IS_HEARD
def test_only_json_is_written_when_no_parent_waits_for_the_address(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('Database = "room.sqlite"\n[Log]\nFormat = "json"\n')
    arguments = [sys.executable, "-m", "server", "--settings", str(settings), "--address", "127.0.0.1:0"]
    with Popen(arguments, env=environment(), stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stderr
        assert json.loads(process.stderr.readline())["event"] == "serving"
        process.terminate()
        said, logged = process.communicate(timeout=20)
    assert said == ""
    assert json.loads(logged)["event"] == "ending"


def test_a_server_that_cannot_open_its_database_never_prints_its_url(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('Database = "no/where.sqlite"\n')
    ended = run("--settings", str(settings), "--address", "127.0.0.1:0", directory=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")


@pytest.mark.parametrize("program", ["server", "tui"])
def test_the_command_shows_its_version(program: str) -> None:
    shown = check_output([sys.executable, "-m", program, "--version"], env=environment(), cwd=ROOT, text=True)
    assert shown.split()[1] == VERSION


def test_second_server_on_a_database_is_refused_and_names_the_first(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        done = run("--settings", str(settings), "--address", "127.0.0.1:0", directory=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert f"process {server.process.pid}" in done.stderr


@SIGTERM_IS_HEARD
def test_server_whose_standard_output_is_a_broken_pipe_serves(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    arguments = [sys.executable, "-m", "server", "--settings", str(settings), "--address", f"127.0.0.1:{port}"]
    reader, writer = os.pipe()
    os.close(reader)
    with Popen(arguments, cwd=tmp_path, env=environment(), stdout=writer, stderr=PIPE, text=True) as process:
        os.close(writer)
        answer = httpx.Client(transport=httpx.HTTPTransport(retries=8), trust_env=False).get(
            f"http://127.0.0.1:{port}/healthz"
        )
        assert answer.text == "ok\n"
        process.terminate()
        _, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (0, "")


def test_an_error_is_one_line_that_cannot_control_the_terminal(tmp_path: Path) -> None:
    done = run("--settings", str(tmp_path / "no\x1b[2J\n\u202esuch.toml"), directory=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("flagpost: ")
    assert done.stderr.rstrip("\n").isprintable()
