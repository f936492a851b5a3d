"""What a reporter can do after reporting: withdraw, add to the report, or report too often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from server.protocol.codec import encode
from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import Message, ReportRequest, Reports, ReportsRequest, ReportStatus, Withdraw
from tests.support.chat_client import ChatClient, entered
from tests.support.database_file import WAIT_SECONDS, Disk
from tests.support.receiver import Receiver, answers
from tests.support.reporting import (
    SPAM,
    ask_report,
    delivered,
    disk_of,
    report_settings,
    send_report,
    told,
    try_now,
    withdraw,
    written,
)
from tests.support.server_process import ServerProcess

TOKEN = "the-secret-of-alices-client"
PAUSE = "INSERT INTO webhook (name, paused) VALUES ('report', 'by a test')"
OTHER = "It's abusive (racist, homophobic, etc.)"


class Desk(NamedTuple):
    """A server, and messages by bob."""

    server: ServerProcess
    disk: Disk
    spam: Message
    other: Message


@asynccontextmanager
async def desk(
    directory: Path, receiver: Receiver, *, evidence: bool = False, per_hour: int = 0
) -> AsyncIterator[tuple[Desk, ChatClient]]:
    """Alice, and messages to report."""
    settings = report_settings(directory, receiver.url, evidence=evidence, per_hour=per_hour)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice", TOKEN) as alice, entered(server.url, "bob") as bob:
            spam, other = await bob.say("lobby", "buy my stuff"), await bob.say("lobby", "other stuff")
            yield Desk(server, disk_of(settings), spam, other), alice


async def marker(alice: ChatClient, message: Message) -> None:
    """Deliver a later report, so that everything due before it has been sent too."""
    report = await ask_report(alice, message.msg_id)
    await told(alice, report.report_id, ReportState.DELIVERED)


@pytest.mark.parametrize("evidence", [False, True])
async def test_a_report_withdrawn_before_it_was_sent_is_never_sent(
    tmp_path: Path, receiver: Receiver, evidence: bool
) -> None:
    async with desk(tmp_path, receiver, evidence=evidence) as (at, alice):
        at.disk.change(PAUSE)
        report = await ask_report(alice, at.spam.msg_id)
        assert (await withdraw(alice, report.report_id)).status == ReportState.WITHDRAWN
        assert at.disk.rows("SELECT state FROM delivery") == [("cancelled",)]
        at.disk.change("DELETE FROM webhook")
        await marker(alice, at.other)
        assert at.disk.rows("SELECT status FROM report ORDER BY seq") == [("withdrawn",), ("delivered",)]
    (request,) = receiver.requests
    assert delivered(request).report["Message"] == "other stuff"


@pytest.mark.parametrize("status", [200, 500])
async def test_a_withdrawal_is_sent_to_a_site_with_evidence_that_may_have_the_report(
    tmp_path: Path, receiver: Receiver, status: int
) -> None:
    receiver.behaviour = answers(status)
    async with desk(tmp_path, receiver, evidence=True) as (at, alice):
        report = await ask_report(alice, at.spam.msg_id)
        await told(alice, report.report_id, ReportState.DELIVERED if status == 200 else ReportState.WAITING)
        receiver.behaviour = answers(200)
        assert (await withdraw(alice, report.report_id)).status == ReportState.WITHDRAWN
        await marker(alice, at.other)
        # Withdrawing again changes nothing.
        assert (await withdraw(alice, report.report_id)).status == ReportState.WITHDRAWN
        assert at.disk.rows("SELECT status FROM report WHERE id = ?", report.report_id) == [("withdrawn",)]
    # Reports of different messages do not wait for each other, so the marker may overtake.
    first, withdrawal, _ = sorted(map(delivered, receiver.requests), key=lambda each: str(each.report["MessageID"]))
    assert (first.action, withdrawal.action) == ("report", "report-withdrawn")
    assert first.webhook_id != withdrawal.webhook_id
    assert withdrawal.report == {
        "ReportID": report.report_id,
        "MessageID": at.spam.msg_id,
        "FromUsername": "alice",
        "AboutUsername": "bob",
        "FromUserID": first.report["FromUserID"],
        "AboutUserID": first.report["AboutUserID"],
    }


async def test_a_withdrawal_is_not_sent_to_a_site_without_evidence(tmp_path: Path, receiver: Receiver) -> None:
    async with desk(tmp_path, receiver) as (at, alice):
        report = await ask_report(alice, at.spam.msg_id)
        await told(alice, report.report_id, ReportState.DELIVERED)
        assert (await withdraw(alice, report.report_id)).status == ReportState.WITHDRAWN
        await marker(alice, at.other)
    assert [delivered(request).action for request in receiver.requests] == ["report", "report"]


async def test_a_withdrawal_waits_for_the_site_like_a_report_and_nobody_else_can_send_one(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with desk(tmp_path, receiver, evidence=True) as (at, alice):
        report = await ask_report(alice, at.spam.msg_id)
        await told(alice, report.report_id, ReportState.DELIVERED)
        receiver.behaviour = answers(500)
        async with entered(at.server.url, "alice", "a-secret-of-another-client") as other:
            error = await other.refusal(Withdraw(report.report_id, "n"))
            assert (error.code, error.nonce) == (ErrorCode.UNKNOWN_REPORT, "n")
        await withdraw(alice, report.report_id)
        receiver.wait_for(2)
        receiver.behaviour = answers(200)
        await try_until_delivered(at, alice)
    _, first, second = map(delivered, receiver.requests)
    assert first.action == "report-withdrawn"
    assert (first.webhook_id, first.report) == (second.webhook_id, second.report)


async def try_until_delivered(at: Desk, alice: ChatClient) -> None:
    """Make waiting deliveries due until none is left."""
    async with asyncio.timeout(WAIT_SECONDS):
        while at.disk.rows("SELECT 1 FROM delivery WHERE state = 'waiting'"):
            await try_now(at.disk, alice, at.spam.msg_id)


async def test_a_second_report_of_a_message_is_refused_unless_it_is_an_addition(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with desk(tmp_path, receiver, evidence=True) as (at, alice):
        report = await ask_report(alice, at.spam.msg_id)
        await told(alice, report.report_id, ReportState.DELIVERED)
        more = ReportRequest(at.spam.msg_id, OTHER, "it goes on", "n-2")
        error = await alice.refusal(more)
        assert (error.code, error.nonce) == (ErrorCode.ALREADY_REPORTED, "n-2")
        assert at.disk.rows("SELECT count(*) FROM trail") == [(1,)]
        added = ReportRequest(at.spam.msg_id, OTHER, "it goes on", "n-3", (at.other.msg_id,), add=True)
        received = await send_report(alice, added)
        assert (received.report_id, received.status) == (report.report_id, ReportState.RECEIVED)
        await told(alice, report.report_id, ReportState.DELIVERED)
        # As if the answer was lost: sending the same again does not add it twice.
        assert (await send_report(alice, added)).report_id == report.report_id
        await alice.send(ReportsRequest("n-4"))
        (entry,) = (await alice.next(Reports)).reports
        assert [(each.reason, each.comment) for each in entry.additions] == [(OTHER, "it goes on")]
        assert at.disk.rows("SELECT count(*) FROM report UNION ALL SELECT count(*) FROM trail") == [(1,), (2,)]
    first, second = map(delivered, receiver.requests)
    assert first.webhook_id != second.webhook_id
    of_bob = {"Username": "bob", "UserID": first.report["AboutUserID"]}
    context = [{**of_bob, "Timestamp": written(at.other.at), "Message": "other stuff"}]
    assert {**first.report, "Reason": OTHER, "Comment": "it goes on", "Context": context} == second.report


async def test_a_report_that_is_sent_twice_at_once_counts_once(tmp_path: Path, receiver: Receiver) -> None:
    async with desk(tmp_path, receiver) as (at, alice):
        for _ in range(20):
            await alice.send(ReportRequest(at.spam.msg_id, SPAM, "", "n"))
        report = (await alice.next(ReportStatus)).report
        await told(alice, report.report_id, ReportState.DELIVERED)
        await marker(alice, at.other)
        answers_heard = [frame for frame in alice.seen if isinstance(frame, ReportStatus) and frame.nonce == "n"]
        assert {frame.report.report_id for frame in answers_heard} == {report.report_id}
    assert len(receiver.requests) == 2


async def test_reports_by_one_person_within_an_hour_are_limited(tmp_path: Path, receiver: Receiver) -> None:
    async with desk(tmp_path, receiver, evidence=True, per_hour=2) as (at, alice):
        await marker(alice, at.spam)
        # Additions count towards the limit, refused reports do not.
        assert (await alice.refusal(ReportRequest(at.spam.msg_id, SPAM, "", "n"))).code == ErrorCode.ALREADY_REPORTED
        added = await send_report(alice, ReportRequest(at.spam.msg_id, SPAM, "more", "n-1", add=True))
        for ask in (
            ReportRequest(at.other.msg_id, SPAM, "", "n-2"),
            ReportRequest(at.spam.msg_id, SPAM, "", "n-3", add=True),
        ):
            error = await alice.refusal(ask)
            assert (error.code, error.nonce) == (ErrorCode.TOO_MANY_REPORTS, ask.nonce)
            assert "2 reports within an hour" in error.message
            assert "60 min" in error.message
        # A report that was counted is answered again; other people can report, and so can the same person later.
        again = await send_report(alice, ReportRequest(at.spam.msg_id, SPAM, "more", "n-1", add=True))
        assert again.report_id == added.report_id
        async with entered(at.server.url, "carol") as carol:
            await marker(carol, at.other)
        at.disk.change("UPDATE trail SET at = at - 3600001")
        later = await ask_report(alice, at.other.msg_id)
        # Further reports about the same author wait to be gathered.
        at.disk.make_due()
        await told(alice, later.report_id, ReportState.DELIVERED)
    assert len(receiver.requests) == 4


async def test_the_list_of_long_reports_is_no_more_than_a_client_may_leave_unread(
    tmp_path: Path, receiver: Receiver
) -> None:
    with ServerProcess(report_settings(tmp_path, receiver.url)) as server:
        async with entered(server.url, "bob") as bob, entered(server.url, "alice", TOKEN) as alice:
            said = [await bob.say("lobby", str(number)) for number in range(25)]
            for message in said:
                await send_report(alice, ReportRequest(message.msg_id, SPAM, "👻" * 1000, f"n-{message.msg_id}"))
        async with entered(server.url, "alice", TOKEN) as alice:
            listed = await alice.next(Reports)
            assert len(encode(listed)) <= 64 * 1024
            latest = [message.msg_id for message in reversed(said)]
            assert [report.msg_id for report in listed.reports] == latest[: len(listed.reports)] != []
