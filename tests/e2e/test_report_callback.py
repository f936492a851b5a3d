"""Callbacks of the site: the reporter learns that a report was seen or resolved, at once or at the next login."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from server.protocol.codes import ReportState
from server.protocol.frames import Presence, ReportEntry, Reports, ReportStatus
from tests.support.chat_client import ChatClient, entered
from tests.support.database_file import Disk, until
from tests.support.receiver import Receiver
from tests.support.reporting import ask_report, delivered, disk_of, report_settings, told, withdraw
from tests.support.server_process import KEY, ServerProcess, write_settings

TOKEN = "the-secret-of-alices-client"
TRAIL = "SELECT content FROM trail WHERE content LIKE '%site-said%' ORDER BY seq"


class Desk(NamedTuple):
    """A delivered report, with its server and site."""

    server: ServerProcess
    disk: Disk
    report: ReportEntry
    webhook_id: str

    async def call(self, key: str, status: str, note: str = "") -> httpx.Response:
        """Send a callback about a report."""
        return await post(self.server, {"APIKey": KEY, "ReportID": key, "Status": status, "Note": note})


async def post(server: ServerProcess, body: object) -> httpx.Response:
    """POST a body to the chat server; anything but bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(server.http_url + "/api/report/status", content=content)


@asynccontextmanager
async def desk(directory: Path, receiver: Receiver, *, stays: bool = True) -> AsyncIterator[tuple[Desk, ChatClient]]:
    """A delivered report by alice, and alice, who may have left."""
    settings = report_settings(directory, receiver.url)
    with ServerProcess(settings) as server:
        async with entered(server.url, "bob") as bob, entered(server.url, "alice", TOKEN) as alice:
            report = await ask_report(alice, (await bob.say("lobby", "buy my stuff")).msg_id)
            await told(alice, report.report_id, ReportState.DELIVERED)
            disk = disk_of(settings)
            await until(lambda: disk.rows("SELECT notified FROM report") == [(1,)])
            if not stays:
                await alice.socket.close()
                await bob.next(Presence, lambda presence: presence.who is None)
            yield Desk(server, disk, report, delivered(receiver.requests[0]).webhook_id), alice


@pytest.mark.parametrize("by_webhook_id", [False, True], ids=["by ReportID", "by webhook-id"])
async def test_a_status_from_the_site_reaches_the_reporter_at_once(
    tmp_path: Path, receiver: Receiver, by_webhook_id: bool
) -> None:
    async with desk(tmp_path, receiver) as (at, alice):
        key = at.webhook_id if by_webhook_id else at.report.report_id
        for status, note in (("seen", ""), ("seen", "We look into it."), ("resolved", "They are <b>banned</b>.")):
            answer = await at.call(key, status, note)
            assert (answer.status_code, answer.json()) == (200, {"OK": True, "Error": ""})
            news = await alice.next(ReportStatus)
            assert (news.report.report_id, news.report.status, news.report.note) == (at.report.report_id, status, note)
            assert news.nonce is None
        # Repeating it is no news.
        assert (await at.call(key, "resolved", "They are <b>banned</b>.")).status_code == 200
        heard = [frame for frame in await alice.settled() if isinstance(frame, ReportStatus)]
        assert [frame.report.status for frame in heard] == ["received", "delivered", "seen", "seen", "resolved"]
    assert len(at.disk.rows(TRAIL)) == 3
    assert at.disk.rows("SELECT status, note FROM report") == [("resolved", "They are <b>banned</b>.")]
    # The report was not sent again.
    assert len(receiver.requests) == 1


async def test_a_status_from_the_site_is_shown_once_at_the_next_login(tmp_path: Path, receiver: Receiver) -> None:
    async with desk(tmp_path, receiver, stays=False) as (at, _):
        assert (await at.call(at.report.report_id, "resolved", "Thank you.")).status_code == 200
        assert at.disk.rows("SELECT notified FROM report") == [(0,)]
        async with entered(at.server.url, "someone else", TOKEN) as alice:
            came = await alice.next(Reports)
            assert [(each.status, each.note) for each in came.reports] == [("resolved", "Thank you.")]
            assert came.changed == [at.report.report_id]
        await until(lambda: at.disk.rows("SELECT notified FROM report") == [(1,)])
        async with entered(at.server.url, "alice", TOKEN) as alice:
            assert not (await alice.next(Reports)).changed


async def test_a_status_from_the_site_is_stored_for_a_withdrawn_report_which_stays_withdrawn(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with desk(tmp_path, receiver) as (at, alice):
        assert (await withdraw(alice, at.report.report_id)).status == ReportState.WITHDRAWN
        assert (await at.call(at.report.report_id, "seen", "Too late.")).status_code == 200
        news = (await alice.next(ReportStatus, lambda status: status.report.note != "")).report
        assert (news.status, news.note) == (ReportState.WITHDRAWN, "Too late.")


async def test_a_callback_is_read_as_leniently_as_an_answer(tmp_path: Path, receiver: Receiver) -> None:
    async with desk(tmp_path, receiver) as (at, alice):
        call: dict[str, object] = {"apikey": KEY, "reportid": at.report.report_id, "STATUS": "Seen", "note": 42}
        assert (await post(at.server, b"\xef\xbb\xbf" + json.dumps(call).encode())).status_code == 200
        assert (await alice.next(ReportStatus, lambda status: status.report.status == "seen")).report.note == "42"
        call = {**call, "STATUS": "resolved", "note": None}
        assert (await post(at.server, call)).status_code == 200
        assert (await alice.next(ReportStatus, lambda status: status.report.status == "resolved")).report.note == "42"
        # A job that is retried late changes nothing.
        assert (await post(at.server, {**call, "STATUS": "seen", "note": "We look into it."})).status_code == 200
        assert (await post(at.server, {**call, "note": ["They are banned."]})).status_code == 200
        assert at.disk.rows("SELECT status, note FROM report") == [("resolved", "42")]
    assert "the note of a callback could not be read" in at.server.log


BAD_BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "no JSON": (b"APIKey=x&ReportID=y", 400),
    "no object": (b"[]", 400),
    "no UTF-8": (b'{"APIKey":"\xff"}', 400),
    "a lone surrogate": (b'{"APIKey":"\\ud800","ReportID":"x","Status":"seen"}', 403),
    "deep nesting": (b'{"APIKey":' + b"[" * 20_000, 400),
    "zeros": (bytes(1000), 400),
    "a byte too much": (b" " * (64 * 1024 + 1), 413),
    "a lot": (b"x" * (8 * 1024 * 1024), 413),
}


async def test_invalid_callbacks_are_refused_and_change_nothing(tmp_path: Path, receiver: Receiver) -> None:
    async with desk(tmp_path, receiver) as (at, alice):
        before = at.disk.content()
        for name, (body, status) in BAD_BODIES.items():
            answer = await post(at.server, body)
            assert (answer.status_code, answer.json()["OK"]) == (status, False), name
            assert answer.json()["Error"], name
        async with httpx.AsyncClient(trust_env=False) as http:
            url = at.server.http_url + "/api/report/status"
            for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
                assert (await http.request(method, url)).status_code == 405
        assert at.disk.content() == before
        await alice.say("lobby", "still here")
    assert "Traceback" not in at.server.log


async def test_without_a_key_in_the_settings_every_callback_is_refused(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    settings.write_text(settings.read_text(encoding="utf-8").replace(KEY, ""), encoding="utf-8")
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice"):
            for key in ("", KEY):
                answer = await post(server, {"APIKey": key, "ReportID": "rep_0", "Status": "seen"})
                assert answer.status_code == 403
