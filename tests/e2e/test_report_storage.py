"""Storage fails during a report: the disk is full, the database is locked, or its times lie in the future."""

import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import Error, Message, ReportRequest, ReportStatus
from tests.support.chat_client import entered
from tests.support.database_file import until
from tests.support.receiver import Behaviour, Receiver, Request, answers, stays_silent
from tests.support.reporting import SPAM, about, ask_report, disk_of, report_settings, told
from tests.support.server_process import ServerProcess

STANDING = "SELECT report.status, state, attempts FROM report JOIN delivery ON report_id = report.id ORDER BY msg_id"
HOUR_MILLISECONDS = 3600 * 1000
SOON = {"server.storage.schema.BUSY_SECONDS": 1.0}


def accepts_after(happens: Callable[[], None]) -> Behaviour:
    """Return a behaviour that calls `happens` and then accepts the request."""

    def behave(client: socket.socket, request: Request, over: threading.Event) -> None:
        happens()
        answers(200)(client, request, over)

    return behave


@pytest.mark.skipif(sys.platform != "linux", reason="only there can a process be limited from outside")
async def test_on_a_full_disk_a_report_is_refused_whole_and_accepted_once_there_is_space(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            spam = await bob.say("lobby", "buy my stuff")
            before = disk.content()
            with disk.full(server.process.pid):
                error = await alice.refusal(ReportRequest(spam.msg_id, SPAM, "", "n-1"))
                assert (error.code, error.nonce) == (ErrorCode.STORAGE, "n-1")
                assert "Nothing was done" in error.message
                assert disk.content() == before
                assert not receiver.requests
                # Presence and stored messages still work.
                await alice.settled()
            await alice.send(ReportRequest(spam.msg_id, SPAM, "", "n-1"))
            received = await alice.next(ReportStatus)
            await told(alice, received.report.report_id, ReportState.DELIVERED)
    assert disk.rows(STANDING) == [("delivered", "delivered", 1)]
    assert disk.rows("PRAGMA integrity_check") == [("ok",)]
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("part", ["report", "trail", "delivery"])
async def test_a_report_is_refused_as_a_whole_if_a_part_of_it_cannot_be_stored(
    tmp_path: Path, receiver: Receiver, part: str
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            spam = await bob.say("lobby", "buy my stuff")
            with disk.refusing(f"INSERT ON {part}"):
                error = await alice.refusal(ReportRequest(spam.msg_id, SPAM, "", "n-1"))
                assert (error.code, error.nonce) == (ErrorCode.STORAGE, "n-1")
                counts = "SELECT (SELECT count(*) FROM report), (SELECT count(*) FROM trail), count(*) FROM delivery"
                assert disk.rows(counts) == [(0, 0, 0)]
            assert not receiver.requests
            report = await ask_report(alice, spam.msg_id)
            await told(alice, report.report_id, ReportState.DELIVERED)
    assert disk.rows(STANDING) == [("delivered", "delivered", 1)]
    assert len(receiver.requests) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only there can a process be limited from outside")
async def test_a_report_accepted_while_the_disk_is_full_is_recorded_later_and_not_sent_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            spam = await bob.say("lobby", "buy my stuff")
            with ExitStack() as filled:
                receiver.behaviour = accepts_after(lambda: filled.enter_context(disk.full(server.process.pid)))
                report = await ask_report(alice, spam.msg_id)
                await until(lambda: "cannot be stored; retrying" in server.log and "disk" in server.log)
                assert disk.rows(STANDING) == [("received", "waiting", 0)]
            await told(alice, report.report_id, ReportState.DELIVERED)
    assert disk.rows(STANDING) == [("delivered", "delivered", 1)]
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("deadlines", [SOON, pytest.param({}, marks=pytest.mark.slow)], ids=["short", "default"])
async def test_a_long_lock_of_the_database_refuses_reports_and_keeps_a_recorded_200(
    tmp_path: Path, receiver: Receiver, deadlines: Mapping[str, float]
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    with ServerProcess(settings, deadlines=deadlines) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            one, two = await bob.say("lobby", "one"), await bob.say("lobby", "two")
            with ExitStack() as locked:
                receiver.behaviour = accepts_after(lambda: locked.enter_context(disk.locked()))
                first = await ask_report(alice, one.msg_id)
                receiver.wait_for(1)
                await until(lambda: "cannot be stored; retrying" in server.log and "database is locked" in server.log)
                await alice.send(ReportRequest(two.msg_id, SPAM, "", "n-2"))
                # Requests that need no storage are answered meanwhile.
                await bob.settled()
                error = await alice.next(Error, lambda error: error.nonce == "n-2")
                assert error.code == ErrorCode.STORAGE
                assert disk.rows(STANDING) == [("received", "waiting", 0)]
                receiver.behaviour = answers(200)
            await told(alice, first.report_id, ReportState.DELIVERED)
            second = await ask_report(alice, two.msg_id)
            await told(alice, second.report_id, ReportState.DELIVERED)
            assert [frame.message for frame in await bob.settled() if isinstance(frame, Message)] == ["one", "two"]
    assert disk.rows(STANDING) == [("delivered", "delivered", 1)] * 2
    assert [len(about(receiver, text)) for text in ("one", "two")] == [1, 1]


async def test_a_delivery_scheduled_or_leased_before_the_clock_was_set_back_is_sent_at_once(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    receiver.behaviour = answers(503)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            reports = []
            for text in ("scheduled", "leased", "later"):
                reports.append(await ask_report(alice, (await bob.say("lobby", text)).msg_id))
                await told(alice, reports[-1].report_id, ReportState.WAITING)
            scheduled, leased, later = (report.report_id for report in reports)
            receiver.behaviour = answers(200)
            disk.change(
                f"UPDATE delivery SET due = due + {HOUR_MILLISECONDS};"
                f"UPDATE delivery SET changed_at = changed_at + {HOUR_MILLISECONDS} WHERE report_id = '{scheduled}';"
                f"UPDATE delivery SET due = 0, holder = 'another', leased_at = changed_at + {HOUR_MILLISECONDS},"
                f" leased_until = changed_at + {HOUR_MILLISECONDS + 30_000} WHERE report_id = '{leased}'"
            )
            for report_id in (scheduled, leased):
                await told(alice, report_id, ReportState.DELIVERED)
            # What was scheduled by the current clock still waits.
            assert disk.rows("SELECT status FROM report WHERE id = ?", later) == [("waiting",)]
            disk.change(
                f"UPDATE webhook SET failures = 5, opened_at = {2**52}, open_until = {2**53};"
                "UPDATE delivery SET due = 0 WHERE state = 'waiting'"
            )
            await told(alice, later, ReportState.DELIVERED)
    assert {row[:2] for row in disk.rows(STANDING)} == {("delivered", "delivered")}
    assert [len(about(receiver, text)) for text in ("scheduled", "leased", "later")] == [2, 2, 2]


async def test_an_attempt_in_progress_is_not_repeated_when_its_lease_ends(tmp_path: Path, receiver: Receiver) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    receiver.behaviour = stays_silent
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            held = await ask_report(alice, (await bob.say("lobby", "held")).msg_id)
            receiver.wait_for(1)
            receiver.behaviour = answers(200)
            # As if the attempt had outlasted its lease.
            disk.change("UPDATE delivery SET leased_until = 0")
            other = await ask_report(alice, (await bob.say("lobby", "other")).msg_id)
            await told(alice, other.report_id, ReportState.DELIVERED)
            assert len(receiver.requests) == 2
            assert disk.rows("SELECT status FROM report WHERE id = ?", held.report_id) == [("received",)]
