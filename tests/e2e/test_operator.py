"""The administrator's commands, on the database of a running server."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from server.protocol.codes import ReportState
from server.protocol.frames import History, HistoryRequest, Profile, ProfileRequest, ReportRequest, ReportStatus
from server.storage import schema
from server.storage.sqlite_connection import SqliteConnection
from tests.support.chat_client import WAIT_SECONDS, ChatClient, entered
from tests.support.receiver import Receiver, answers, closed_port_url
from tests.support.server_process import KEY, ServerProcess, environment, run, write_settings


async def operate(directory: Path, *arguments: str) -> str:
    """Run a command that must succeed; return its output."""
    done = await asyncio.to_thread(run, *arguments, directory=directory)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def report(alice: ChatClient, bob: ChatClient) -> str:
    """Let alice report a message by bob; return the ID of the report."""
    message = await bob.say("lobby", "buy \x1b[31mnow")
    await alice.send(ReportRequest(message.msg_id, "It's spam", "", alice.nonce()))
    return (await alice.next(ReportStatus)).report.report_id


async def stands(alice: ChatClient, state: ReportState) -> ReportStatus:
    """Wait for the next notification of a report with this status."""
    return await alice.next(ReportStatus, lambda status: status.report.status == state)


async def test_a_paused_webhook_keeps_reports_and_a_resumed_one_sends_them(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            await operate(tmp_path, "webhook", "pause", "report")
            assert "paused: requested by an administrator" in await operate(tmp_path, "webhook", "list")
            report_id = await report(alice, bob)
            assert report_id in await operate(tmp_path, "reports", "list")
            assert not receiver.requests
            await operate(tmp_path, "webhook", "resume", "report")
            assert (await stands(alice, ReportState.DELIVERED)).report.report_id == report_id
            assert "delivered" in await operate(tmp_path, "webhook", "deliveries")
            proof = await operate(tmp_path, "reports", "verify")
            assert proof.startswith("1 row, none altered")
            head = proof.split()[-1]
            assert "hash is part of it" in await operate(tmp_path, "reports", "verify", "--head", f" {head.upper()}\n")
            shown = await operate(tmp_path, "reports", "show", report_id)
            assert "status 200 after" in shown
            assert "\x1b" not in shown
            assert json.loads(await operate(tmp_path, "reports", "export"))["report_id"] == report_id


async def test_a_delivery_that_was_given_up_is_sent_again_by_replay(tmp_path: Path, receiver: Receiver) -> None:
    receiver.behaviour = answers(500, b"<h1>\x1b]0;oops\x07</h1>")
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            await report(alice, bob)
            await stands(alice, ReportState.WAITING)
            with closing(
                sqlite3.connect(tmp_path / "room.sqlite", isolation_level=None, factory=SqliteConnection)
            ) as other:
                other.execute("UPDATE delivery SET due = 0, attempts = 9")
                (delivery_id,) = other.execute("SELECT id FROM delivery").fetchone()
            await stands(alice, ReportState.GIVEN_UP)
            assert delivery_id in await operate(tmp_path, "webhook", "deliveries", "--failed")
            receiver.behaviour = answers(200)
            await operate(tmp_path, "webhook", "replay", delivery_id)
            await stands(alice, ReportState.DELIVERED)
            assert "No failed deliveries" in await operate(tmp_path, "webhook", "deliveries", "--failed")
    assert {request.header("webhook-id") for request in receiver.requests} == {delivery_id}


async def test_metrics_count_requests_and_contain_no_names(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url, "profile": closed_port_url()})
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            await report(alice, bob)
            await stands(alice, ReportState.DELIVERED)
            for _ in range(2):
                await alice.send(ProfileRequest("bob", "n-1"))
                await alice.next(Profile)
            before = await metrics(server)
            await operate(tmp_path, "webhook", "pause", "report")
            await report(alice, bob)
            async with asyncio.timeout(WAIT_SECONDS):
                # The page is up to a second old.
                while 'flagpost_outbox_waiting{webhook="report"} 1.0' not in (after := await metrics(server)):
                    await asyncio.sleep(0.05)
    for line in (
        'flagpost_webhook_attempts_total{outcome="200",webhook="report"} 1.0',
        'flagpost_webhook_attempts_total{outcome="unreachable",webhook="profile"} 2.0',
        'flagpost_webhook_seconds_count{webhook="report"} 1.0',
        'flagpost_profile_cache_total{result="miss"} 2.0',
        'flagpost_outbox_waiting{webhook="report"} 0.0',
        'flagpost_outbox_oldest_seconds{webhook="report"} 0.0',
        'flagpost_webhook_breaker_open{webhook="report"} 0.0',
        'flagpost_webhook_paused{webhook="report"} 0.0',
    ):
        assert line in before
    assert 'flagpost_outbox_waiting{webhook="report"} 1.0' in after
    assert 'flagpost_webhook_paused{webhook="report"} 1.0' in after
    assert not any(word in "".join(before + after) for word in ("alice", "bob", "lobby", KEY, "127.0.0.1"))


async def metrics(server: ServerProcess) -> list[str]:
    """Return the lines of the metrics."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{server.http_url}/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return answer.text.splitlines()


async def test_a_name_that_does_not_exist_is_reported_in_one_line(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    cases = {
        "webhook replay msg_x": "there is no delivery msg_x; there are none yet",
        "webhook pause repotr": "use one of: report",
        "webhook rotate profile": "use one of: report",
        "reports show rep_x": "there is no report rep_x; there are none yet",
    }
    with ServerProcess(settings):
        for arguments, words in cases.items():
            done = await asyncio.to_thread(run, *arguments.split(), directory=tmp_path)
            assert done.returncode == 2, arguments
            assert words in done.stderr, arguments
            assert done.stderr.count("\n") == 1, arguments


def test_a_sample_reaches_the_site_and_is_marked_as_one(tmp_path: Path, receiver: Receiver) -> None:
    """This works without a running server."""
    write_settings(tmp_path, webhooks={"report": receiver.url, "profile": receiver.url})
    for name, said in (("report", b""), ("profile", b'{"StatusCode": 200, "Data": {"Headline": "Hi"}}')):
        receiver.behaviour = answers(200, said)
        done = run("webhook", "test", name, directory=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"{name}: status 200 after " in done.stdout
    receiver.behaviour = answers(403, b"wrong \x1b[31mkey")
    done = run("webhook", "test", "report", directory=tmp_path)
    assert done.returncode == 1
    assert "status 403" in done.stdout
    assert "wrong \ufffd[31mkey" in done.stdout
    receiver.behaviour = answers(204)
    assert "204 is not 200, and without a Secret" in run("webhook", "test", "report", directory=tmp_path).stdout
    receiver.behaviour = lambda client, request, over: answers(200, request.body)(client, request, over)
    assert KEY not in run("webhook", "test", "report", directory=tmp_path).stdout
    bodies = [json.loads(request.body) for request in receiver.requests]
    assert bodies[0]["Report"]["Reason"] == "Test"
    assert bodies[1]["Username"] == "flagpost-test"


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(minutes=7.5), "Its clock is 7 min ahead of this machine's: correct"),
        (timedelta(days=-2.5), "Its clock is 2 d behind this machine's: correct"),
        (timedelta(seconds=20), ""),
    ],
)
def test_a_sample_shows_whether_the_clocks_agree(
    tmp_path: Path, receiver: Receiver, ahead: timedelta, words: str
) -> None:
    write_settings(tmp_path, webhooks={"report": receiver.url})
    receiver.behaviour = answers(200, b"", f"Date: {format_datetime(datetime.now(UTC) + ahead, usegmt=True)}")
    done = run("webhook", "test", "report", directory=tmp_path)
    assert done.returncode == 0
    assert words in done.stdout
    assert ("clock" in done.stdout) == bool(words)


def test_a_test_report_that_fails_shows_the_cause(tmp_path: Path) -> None:
    write_settings(tmp_path, webhooks={"report": closed_port_url()})
    done = run("webhook", "test", "report", directory=tmp_path)
    assert done.returncode == 1
    assert "report: no answer after " in done.stdout
    assert "it cannot be reached" in done.stdout


def test_the_doctor_exits_with_code_0_if_it_has_no_complaints(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    settings.chmod(0o600)
    with ServerProcess(settings):
        done = run("doctor", directory=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout


def test_the_doctor_exits_with_code_1_if_it_has_complaints(tmp_path: Path) -> None:
    write_settings(tmp_path, webhooks={"report": closed_port_url()})
    done = run("doctor", directory=tmp_path)
    assert done.returncode == 1
    assert "✗ webhook report: " in done.stdout
    assert not done.stderr


def test_a_settings_file_may_be_readable_by_others_if_the_key_is_in_the_environment(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("", encoding="utf-8")
    settings.chmod(0o644)
    done = run("doctor", directory=tmp_path, extra={"FLAGPOST_ADMIN_API_KEY": KEY})
    assert "✓ settings: settings.toml is valid" in done.stdout
    assert KEY not in done.stdout


def database(directory: Path) -> SqliteConnection:
    """The database of a stopped server."""
    connection = schema.connect(str(directory / "room.sqlite"))
    schema.prepare(connection)
    return connection


def test_an_altered_trail_is_reported_in_one_line_with_exit_code_1(tmp_path: Path) -> None:
    write_settings(tmp_path)
    with closing(database(tmp_path)) as connection:
        connection.execute("INSERT INTO trail VALUES (1, 'rep_1', 0, '{}', '')")
    done = run("reports", "verify", directory=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("flagpost: the trail was altered: row 1 ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["webhook", "list"], "does not exist yet"),
        (["webhook", "deliveries", "--limit", "0"], "not a positive number"),
        (["webhook", "deliveries", "--limit", "-1"], "not a positive number"),
        (["webhook"], "required"),
        (["reports", "list", "--settings", "nowhere.toml"], "nowhere.toml"),
        (["reports", "verify", "--head", ""], "64 hexadecimal digits"),
        (["reports", "verify", "--head", "xyz"], "64 hexadecimal digits"),
    ],
)
def test_a_command_that_cannot_run_exits_with_code_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    write_settings(tmp_path)
    done = run(*arguments, directory=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "room.sqlite").exists()


def test_a_database_of_another_version_is_left_unchanged(tmp_path: Path) -> None:
    write_settings(tmp_path)
    for version, words in ((1, "start the server to upgrade it"), (99, "newer version")):
        with closing(
            sqlite3.connect(tmp_path / "room.sqlite", isolation_level=None, factory=SqliteConnection)
        ) as connection:
            if version == 1:
                connection.executescript(schema.STEPS[0])
            connection.execute(f"PRAGMA user_version = {version}")
        done = run("webhook", "list", directory=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert words in done.stderr


def test_the_settings_file_can_be_named_before_or_after_a_command(tmp_path: Path) -> None:
    settings = str(write_settings(tmp_path))
    with closing(database(tmp_path)):
        (tmp_path / "elsewhere").mkdir()
        for arguments in (["--settings", settings, "reports", "list"], ["reports", "list", "--settings", settings]):
            done = run(*arguments, directory=tmp_path / "elsewhere")
            assert (done.returncode, done.stdout) == (0, "No reports yet.\n")


def test_an_export_ends_without_an_error_when_its_reader_stops(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with closing(database(tmp_path)) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
            " INSERT INTO trail SELECT i, 'rep_1', 0, '{}', 'x' FROM n"
        )
    with subprocess.Popen(
        [sys.executable, "-m", "server", "reports", "export", "--settings", str(settings)],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["seq"] == 1
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


def test_output_that_cannot_be_written_is_reported_in_one_line(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with closing(database(tmp_path)), Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "server", "reports", "list", "--settings", str(settings)],
            env=environment(), stdout=full, stderr=subprocess.PIPE, check=False, text=True, timeout=20,
        )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "standard output cannot be written: No space left on device" in done.stderr


def test_an_unusable_profile_is_reported(tmp_path: Path, receiver: Receiver) -> None:
    """Status 200 alone is not enough: the answer must contain the profile."""
    write_settings(tmp_path, webhooks={"profile": receiver.url})
    receiver.behaviour = answers(200, b"<html>Welcome</html>")
    done = run("webhook", "test", "profile", directory=tmp_path)
    assert done.returncode == 1
    assert "its answer cannot be read" in done.stdout


def files_with(words: bytes, directory: Path) -> list[str]:
    """Return the names of the database's files that contain words."""
    files = [*directory.glob("*sqlite*")]
    assert files
    return [file.name for file in files if words in file.read_bytes()]


async def test_person_is_exported_and_erased_while_the_server_runs(tmp_path: Path) -> None:
    with ServerProcess(write_settings(tmp_path)) as server:
        async with entered(server.url, "alice") as alice:
            await alice.say("lobby", "my secret")
        exported = run("people", "export", "Alice", directory=tmp_path)
        assert "my secret" in exported.stdout
        erased = run("people", "erase", "alice", directory=tmp_path)
        assert erased.stdout.startswith("alice: erased 1 message, with")
        assert files_with(b"my secret", tmp_path) == []
        gone = run("people", "export", "alice", directory=tmp_path)
        assert (gone.returncode, gone.stderr.count("\n")) == (2, 1)
        async with entered(server.url, "bob") as bob:
            await bob.send(HistoryRequest("lobby", "n-1"))
            page = await bob.next(History)
            assert [(each.username, each.message, each.taken_back) for each in page.messages] == [
                ("[erased]", "", True)
            ]
