"""A failing site, in many ways: reports wait, are delivered once the site works, and show their status."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from server.protocol.codes import ReportState
from server.protocol.frames import Message, ReportEntry, ReportStatus
from server.storage.clock import milliseconds
from server.storage.report_statuses import PAUSED
from tests.support.bad_answers import bomb, never_ends, resets
from tests.support.chat_client import ChatClient, entered
from tests.support.database_file import Disk, Row
from tests.support.receiver import (
    GARBAGE,
    Behaviour,
    Receiver,
    Request,
    answers,
    drips,
    redirects,
    sends,
    stays_silent,
)
from tests.support.reporting import Delivered, about, ask_report, disk_of, report_settings, told, try_now
from tests.support.server_process import ServerProcess

SOON = range(5000, 6001)
"""Milliseconds from the first attempt to the second: 5 s, and up to a fifth more."""
DAY_MILLISECONDS = 24 * 3600 * 1000
BOUND_BYTES = 16 * 1024 * 1024
"""Much more than the server reads of an answer, much less than a chunk of the bomb."""


class Site(NamedTuple):
    """A server and its site."""

    server: ServerProcess
    receiver: Receiver
    disk: Disk
    peak_bytes: int
    """The server's peak memory before the first report."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all cases; each case waits for its deliveries before the next starts."""
    with Receiver() as receiver:
        settings = report_settings(tmp_path_factory.mktemp("answers"), receiver.url)
        with ServerProcess(settings) as server:
            assert httpx.get(server.http_url + "/healthz", trust_env=False).status_code == 200
            yield Site(server, receiver, disk_of(settings), peak_bytes(server))


@asynccontextmanager
async def room(site: Site, *texts: str) -> AsyncIterator[tuple[ChatClient, list[Message]]]:
    """A reporter, and messages by someone else."""
    async with entered(site.server.url, "alice") as alice, entered(site.server.url, "bob") as bob:
        site.disk.change("DELETE FROM webhook")
        yield alice, [await bob.say("lobby", text) for text in texts]


def assert_noted(disk: Disk, requests: list[Delivered]) -> None:
    """Assert that each attempt has a row, the same ID, and a timestamp of its own."""
    assert len({request.webhook_id for request in requests}) == 1
    attempts = disk.rows("SELECT at FROM attempt WHERE delivery_id = ? ORDER BY id", requests[0].webhook_id)
    assert len(attempts) == len(requests)
    for request, (at,) in zip(requests, attempts, strict=True):
        assert isinstance(at, int)
        assert request.timestamp in (at // 1000, at // 1000 + 1)


async def assert_recovers(site: Site, alice: ChatClient, spam: Message, waiting: ReportEntry) -> None:
    """Assert that a report waits for the site, and is then delivered under the same ID."""
    ((state, attempts, due),) = site.disk.rows(
        "SELECT state, attempts, due FROM delivery WHERE report_id = ?", waiting.report_id
    )
    assert (state, attempts) == ("waiting", 1)
    assert waiting.next_at
    assert milliseconds(waiting.next_at) == due
    assert len(about(site.receiver, spam.message)) == 1
    site.receiver.behaviour = answers(200)
    await try_now(site.disk, alice, spam.msg_id)
    done = await told(alice, waiting.report_id, ReportState.DELIVERED)
    assert (done.error, done.next_at) == ("", None)
    first, second = about(site.receiver, spam.message)
    assert first.report == second.report
    assert_noted(site.disk, [first, second])
    assert site.disk.rows(
        "SELECT report.status, state, attempts FROM report JOIN delivery ON report_id = report.id WHERE report.id = ?",
        waiting.report_id,
    ) == [("delivered", "delivered", 2)]


NOT_TAKEN: dict[str, tuple[Behaviour, str, int | None]] = {
    **{
        str(status): (answers(status, b"sorry"), f"status {status}", status)
        for status in (201, 400, 401, 404, 429, 500, 503)
    },
    "204": (answers(204), "status 204", 204),
    **{str(status): (redirects(status), f"status {status}", status) for status in (301, 302, 307, 308)},
    "nothing": (sends(b""), "broke off", None),
    "half an answer": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"), "broke off", None),
    "garbage": (sends(GARBAGE), "broke off", None),
    "a reset in the middle": (resets, "broke off", None),
    "an endless 500": (never_ends(500), "status 500", 500),
    "500 with a bomb": (bomb(500), "status 500", 500),
}
"""How the site answers -> what the reporter sees, and the status on disk."""


@pytest.mark.parametrize(("behaviour", "why", "status"), NOT_TAKEN.values(), ids=NOT_TAKEN.keys())
async def test_a_report_answered_with_a_status_other_than_200_is_retried_and_shows_the_reason(
    site: Site, request: pytest.FixtureRequest, behaviour: Behaviour, why: str, status: int | None
) -> None:
    site.receiver.behaviour = behaviour
    async with room(site, request.node.name) as (alice, (spam,)):
        received = await ask_report(alice, spam.msg_id)
        assert (received.status, received.error) == (ReportState.RECEIVED, "")
        waiting = await told(alice, received.report_id, ReportState.WAITING)
        assert why in waiting.error
        ((noted, error, answer_chars),) = site.disk.rows(
            "SELECT status, attempt.error, length(answer) FROM attempt JOIN delivery ON delivery.id = delivery_id"
            " WHERE report_id = ?",
            received.report_id,
        )
        assert (noted, bool(error)) == (status, True)
        assert isinstance(answer_chars, int)
        assert answer_chars <= 1024
        await assert_recovers(site, alice, spam, waiting)
    assert {each.line for each in site.receiver.requests} == {"POST /internal/webhook HTTP/1.1"}


@pytest.mark.parametrize("behaviour", [never_ends(200), bomb(200)], ids=["an endless body", "a bomb"])
async def test_a_200_counts_whatever_follows_it_and_no_more_is_read_than_needed(
    site: Site, request: pytest.FixtureRequest, behaviour: Behaviour
) -> None:
    site.receiver.behaviour = behaviour
    async with room(site, request.node.name) as (alice, (spam,)):
        received = await ask_report(alice, spam.msg_id)
        await told(alice, received.report_id, ReportState.DELIVERED)
        assert delivery_of(site, received.report_id) == ("delivered", 1)
        assert len(about(site.receiver, spam.message)) == 1
    assert peak_bytes(site.server) - site.peak_bytes < BOUND_BYTES


def delivery_of(site: Site, report_id: str) -> Row:
    """Return state and attempts of a report's only delivery, on disk."""
    (row,) = site.disk.rows("SELECT state, attempts FROM delivery WHERE report_id = ?", report_id)
    return row


def peak_bytes(server: ServerProcess) -> int:
    """Return the peak memory of a process in bytes; 0 if it is not known."""
    status = Path(f"/proc/{server.process.pid}/status")
    return int(status.read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0]) * 1024 if status.exists() else 0


async def retried_in(site: Site, text: str, retry_after: str) -> int:
    """Return the milliseconds until the second attempt that this Retry-After leads to."""
    site.receiver.behaviour = answers(429, b"", f"Retry-After: {retry_after}")
    async with room(site, text) as (alice, (spam,)):
        received = await ask_report(alice, spam.msg_id)
        waiting = await told(alice, received.report_id, ReportState.WAITING)
        ((wait,),) = site.disk.rows("SELECT due - changed_at FROM delivery WHERE report_id = ?", received.report_id)
        assert isinstance(wait, int)
        await assert_recovers(site, alice, spam, waiting)
        return wait


@pytest.mark.parametrize(
    "retry_after", ["", "0", "1", "-120", "soon", "1e9", "Mon, 01 Jan 1990 00:00:00 GMT", "9" * 40]
)
async def test_retry_after_moves_a_retry_neither_earlier_nor_beyond_a_day(
    site: Site, request: pytest.FixtureRequest, retry_after: str
) -> None:
    wait = await retried_in(site, request.node.name, retry_after)
    assert wait == DAY_MILLISECONDS if retry_after.startswith("9") else wait in SOON


async def test_a_retry_after_in_seconds_is_honoured(site: Site) -> None:
    assert await retried_in(site, "429 for two minutes", "120") == 120_000


async def test_a_retry_after_as_a_date_is_honoured(site: Site) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    wait = await retried_in(site, "429 for an hour", format_datetime(at, usegmt=True))
    ((noted,),) = site.disk.rows("SELECT max(at) FROM attempt WHERE status = 429")
    assert isinstance(noted, int)
    # Measured from the record, which follows the start of the attempt.
    assert wait <= milliseconds(at) - noted
    assert wait not in SOON


async def test_a_410_pauses_all_deliveries_until_the_administrator_resumes_them(site: Site) -> None:
    site.receiver.behaviour = answers(410)
    async with room(site, "gone 1", "gone 2") as (alice, (one, two)):
        first = await ask_report(alice, one.msg_id)
        waiting = await told(alice, first.report_id, ReportState.WAITING)
        assert (waiting.error, waiting.next_at) == (PAUSED, None)
        site.receiver.behaviour = answers(200)
        site.disk.make_due()
        second = await ask_report(alice, two.msg_id)
        assert (second.status, second.error, second.next_at) == (ReportState.WAITING, waiting.error, None)
        assert not about(site.receiver, two.message)
        assert site.disk.rows("SELECT paused != '' FROM webhook") == [(1,)]
        site.disk.change("DELETE FROM webhook")
        for report in (first, second):
            await told(alice, report.report_id, ReportState.DELIVERED)
            assert delivery_of(site, report.report_id) == ("delivered", 1)
    assert [len(about(site.receiver, text)) for text in ("gone 1", "gone 2")] == [2, 1]


async def test_after_five_failures_one_probe_is_sent_and_all_follow_once_it_succeeds(site: Site) -> None:
    site.receiver.behaviour = answers(500)
    texts = [f"breaker {number}" for number in range(6)]
    async with room(site, *texts) as (alice, messages):
        reports = []
        for message in messages[:5]:
            reports.append(await ask_report(alice, message.msg_id))
            await told(alice, reports[-1].report_id, ReportState.WAITING)
        ((failures, left_alone),) = site.disk.rows("SELECT failures, open_until - opened_at FROM webhook")
        assert (failures, left_alone) == (5, 30_000)
        # Deliveries that failed together are retried at different times.
        assert len(site.disk.rows("SELECT DISTINCT due - changed_at FROM delivery WHERE state = 'waiting'")) > 1
        last = await ask_report(alice, messages[5].msg_id)
        assert (last.status, bool(last.error), bool(last.next_at)) == (ReportState.WAITING, True, True)
        assert not about(site.receiver, texts[5])
        site.receiver.behaviour = answers(200)
        site.disk.change(
            "UPDATE webhook SET open_until = 0;"
            f"UPDATE delivery SET due = due + {DAY_MILLISECONDS} WHERE state = 'waiting';"
            f"UPDATE delivery SET due = 0 WHERE report_id = '{reports[2].report_id}'"
        )
        for report in (*reports, last):
            await told(alice, report.report_id, ReportState.DELIVERED)
    assert [len(about(site.receiver, text)) for text in texts] == [2, 2, 2, 2, 2, 1]


@pytest.mark.slow
async def test_a_site_that_hangs_or_drips_delays_nobody_and_times_out(site: Site) -> None:
    def behave(client: socket.socket, request: Request, over: threading.Event) -> None:
        behaviour = stays_silent if json.loads(request.body)["Report"]["Message"] == "hang" else drips
        behaviour(client, request, over)

    site.receiver.behaviour = behave
    before = len(site.receiver.requests)
    async with room(site, "hang", "drip") as (alice, messages):
        reports = [await ask_report(alice, message.msg_id) for message in messages]
        await asyncio.to_thread(site.receiver.wait_for, before + 2)
        # The same user is answered while both are in progress.
        await alice.say("lobby", "meanwhile")
        assert [frame.report.status for frame in alice.seen if isinstance(frame, ReportStatus)] == ["received"] * 2
        for report in reports:
            waiting = await told(alice, report.report_id, ReportState.WAITING)
            assert "did not answer in time" in waiting.error
        site.receiver.behaviour = answers(200)
        site.disk.make_due()
        for report, message in zip(reports, messages, strict=True):
            await told(alice, report.report_id, ReportState.DELIVERED)
            first, second = about(site.receiver, message.message)
            assert second.timestamp > first.timestamp
            assert_noted(site.disk, [first, second])
