"""The operator's commands on the database of a server that runs."""

import asyncio
import json
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from server.protocol.codes import ReportState
from server.protocol.frames import ReportAsk, ReportStatus
from tests.support.chat_client import ChatClient, entered
from tests.support.receiver import Receiver, answers
from tests.support.server_process import KEY, ServerProcess, run, write_settings


async def operate(directory: Path, *arguments: str) -> str:
    """What a command prints; it must succeed."""
    done = await asyncio.to_thread(run, *arguments, directory=directory)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def report(alice: ChatClient, bob: ChatClient) -> str:
    """Alice reports something that bob says; the ID of the report."""
    message = await bob.say("lobby", "buy \x1b[31mnow")
    await alice.send(ReportAsk(message.msg_id, "It's spam", "", "n-1"))
    return (await alice.next(ReportStatus)).report.report_id


async def stands(alice: ChatClient, state: ReportState) -> ReportStatus:
    """The next news that a report stands there."""
    return await alice.next(ReportStatus, lambda status: status.report.status == state)


async def test_a_paused_webhook_keeps_reports_and_a_resumed_one_sends_them(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            await operate(tmp_path, "webhook", "pause", "report")
            assert "paused" in await operate(tmp_path, "webhook", "list")
            report_id = await report(alice, bob)
            assert report_id in await operate(tmp_path, "reports", "list")
            assert not receiver.requests
            await operate(tmp_path, "webhook", "resume", "report")
            assert (await stands(alice, ReportState.DELIVERED)).report.report_id == report_id
            assert "delivered" in await operate(tmp_path, "webhook", "deliveries")
            assert "1 rows, none altered" in await operate(tmp_path, "reports", "verify")
            shown = await operate(tmp_path, "reports", "show", report_id)
            assert "200 after" in shown
            assert "\x1b" not in shown
            assert json.loads(await operate(tmp_path, "reports", "export"))["report_id"] == report_id


async def test_what_was_given_up_is_sent_again_by_replay(tmp_path: Path, receiver: Receiver) -> None:
    receiver.behaviour = answers(500, b"<h1>\x1b]0;oops\x07</h1>")
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            await report(alice, bob)
            await stands(alice, ReportState.WAITING)
            with closing(sqlite3.connect(tmp_path / "room.sqlite", isolation_level=None)) as other:
                other.execute("UPDATE delivery SET due = 0, attempts = 9")
                (delivery_id,) = other.execute("SELECT id FROM delivery").fetchone()
            await stands(alice, ReportState.GIVEN_UP)
            assert delivery_id in await operate(tmp_path, "webhook", "deliveries", "--failed")
            receiver.behaviour = answers(200)
            await operate(tmp_path, "webhook", "replay", delivery_id)
            await stands(alice, ReportState.DELIVERED)
            assert "No delivery has failed" in await operate(tmp_path, "webhook", "deliveries", "--failed")
    assert {request.header("webhook-id") for request in receiver.requests} == {delivery_id}


async def test_metrics_count_and_name_nobody(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            await report(alice, bob)
            await stands(alice, ReportState.DELIVERED)
        text = await asyncio.to_thread(lambda: urllib.request.urlopen(f"{server.http_url}/metrics").read().decode())
    assert 'flagpost_webhook_attempts_total{outcome="200",webhook="report"} 1.0' in text
    assert 'flagpost_outbox_waiting{webhook="report"} 0.0' in text
    assert 'flagpost_webhook_breaker_open{webhook="report"} 0.0' in text
    assert not any(word in text for word in ("alice", "bob", "lobby", KEY, "127.0.0.1"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["webhook", "replay", "msg_x"], "webhook deliveries"),
        (["webhook", "pause", "repotr"], "there are: report"),
        (["webhook", "rotate", "profile"], "there are: report"),
        (["reports", "show", "rep_x"], "reports list"),
    ],
)
async def test_what_is_not_there_is_said_in_one_line(
    tmp_path: Path, receiver: Receiver, arguments: list[str], words: str
) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    with ServerProcess(settings):
        done = await asyncio.to_thread(run, *arguments, directory=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_sample_reaches_the_site_and_is_marked_as_one(tmp_path: Path, receiver: Receiver) -> None:
    write_settings(tmp_path, webhooks={"report": receiver.url, "profile": receiver.url})
    done = await asyncio.to_thread(run, "webhook", "test", "report", directory=tmp_path)
    # There is no database before a server has run.
    assert done.returncode == 2
    with ServerProcess(tmp_path / "settings.toml"):
        assert "status 200" in await operate(tmp_path, "webhook", "test", "report")
        assert "status 200" in await operate(tmp_path, "webhook", "test", "profile")
        receiver.behaviour = answers(403, b"wrong key")
        done = await asyncio.to_thread(run, "webhook", "test", "report", directory=tmp_path)
        assert done.returncode == 1
        assert "403" in done.stdout
    assert json.loads(receiver.requests[0].body)["Report"]["Reason"] == "Test"


def test_a_doctor_without_complaints_has_exit_code_0(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    settings.chmod(0o600)
    with ServerProcess(settings):
        done = run("doctor", directory=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout
