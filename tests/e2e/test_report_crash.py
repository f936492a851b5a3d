"""A server is killed at the worst moments of a report, or shares its database with another: no report is lost."""

from collections import Counter
from pathlib import Path

from server.protocol.codes import ReportState
from server.protocol.frames import ReportRequest, Reports, ReportsRequest, ReportStatus
from tests.support.chat_client import ChatClient, entered
from tests.support.database_file import until
from tests.support.receiver import Receiver, answers, closed_port_url, stays_silent
from tests.support.reporting import SPAM, ask_report, delivered, disk_of, report_settings, told
from tests.support.server_process import ServerProcess

TOKEN = "the-secret-of-alices-client"
STANDING = "SELECT report.status, state, attempts FROM report JOIN delivery ON report_id = report.id"


async def message(server: ServerProcess, text: str = "buy my stuff") -> int:
    """Return the number of a new message by bob."""
    async with entered(server.url, "bob") as bob:
        return (await bob.say("lobby", text)).msg_id


def reports_heard(client: ChatClient) -> list[ReportStatus]:
    """Return all news of reports received so far."""
    return [frame for frame in client.seen if isinstance(frame, ReportStatus)]


async def test_a_kill_before_the_commit_stores_nothing_and_a_resent_report_counts_once(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        spam = await message(server)
        async with entered(server.url, "alice", TOKEN) as alice:
            with disk.locked():
                await alice.send(ReportRequest(spam, SPAM, "", "n-1"))
                # The server has read it but cannot store it.
                await alice.settled()
                server.kill()
            await alice.closed()
        assert not reports_heard(alice)
    assert disk.rows("SELECT count(*) FROM report UNION ALL SELECT count(*) FROM trail") == [(0,), (0,)]
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice", TOKEN) as alice:
            for _ in range(2):
                await alice.send(ReportRequest(spam, SPAM, "", "n-1"))
            first = await alice.next(ReportStatus, lambda status: status.nonce == "n-1")
            again = await alice.next(ReportStatus, lambda status: status.nonce == "n-1")
            assert first.report.report_id == again.report.report_id
            await told(alice, first.report.report_id, ReportState.DELIVERED)
    assert disk.rows(STANDING) == [("delivered", "delivered", 1)]
    assert len(receiver.requests) == 1


async def test_a_kill_between_the_commit_and_the_first_attempt_loses_nothing(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        spam = await message(server)
        async with entered(server.url, "alice", TOKEN) as alice:
            # Nobody can lease it, so nobody sends it.
            with disk.refusing("UPDATE OF leased_until ON delivery"):
                assert (await ask_report(alice, spam)).status == ReportState.RECEIVED
                server.kill()
    assert disk.rows(STANDING) == [("received", "waiting", 0)]
    assert not receiver.requests
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice", TOKEN) as alice:
            receiver.wait_for(1)
            await until(lambda: disk.rows(STANDING) == [("delivered", "delivered", 1)])
            await alice.send(ReportsRequest("n"))
            (entry,) = (await alice.next(Reports, lambda reports: reports.nonce == "n")).reports
            assert entry.status == ReportState.DELIVERED
    assert len(receiver.requests) == 1


async def test_a_kill_while_the_site_is_down_loses_nothing(tmp_path: Path) -> None:
    url = closed_port_url()
    settings = report_settings(tmp_path, url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        spam = await message(server)
        async with entered(server.url, "alice", TOKEN) as alice:
            report = await ask_report(alice, spam)
            await told(alice, report.report_id, ReportState.WAITING)
            server.kill()
    assert disk.rows(STANDING) == [("waiting", "waiting", 1)]
    disk.make_due()
    with Receiver(port=int(url.split(":")[2].partition("/")[0])) as receiver, ServerProcess(settings):
        receiver.wait_for(1)
        await until(lambda: disk.rows(STANDING) == [("delivered", "delivered", 2)])
        assert len(receiver.requests) == 1


async def test_a_kill_between_the_sites_200_and_its_record_repeats_the_report_once_with_the_same_id(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        spam = await message(server)
        async with entered(server.url, "alice", TOKEN) as alice:
            with disk.refusing("INSERT ON attempt"):
                report = await ask_report(alice, spam)
                await until(lambda: "cannot be stored; retrying" in server.log)
                server.kill()
            await alice.closed()
            assert [status.report.status for status in reports_heard(alice)] == [ReportState.RECEIVED]
    assert disk.rows(STANDING) == [("received", "waiting", 0)]
    assert disk.rows("SELECT leased_until - leased_at FROM delivery") == [(30_000,)]
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice", TOKEN) as alice, entered(server.url, "bob") as bob:
            # While it is leased, nobody sends it, and it does not delay others.
            other = await bob.say("lobby", "more stuff")
            second = await ask_report(alice, other.msg_id)
            await told(alice, second.report_id, ReportState.DELIVERED)
            assert len(receiver.requests) == 2
            disk.change("UPDATE delivery SET leased_until = 0 WHERE state = 'waiting'")
            assert (await told(alice, report.report_id, ReportState.DELIVERED)).error == ""
    first, _, repeat = map(delivered, receiver.requests)
    assert (first.webhook_id, first.report) == (repeat.webhook_id, repeat.report)
    assert repeat.timestamp >= first.timestamp
    assert disk.rows(STANDING) == [("delivered", "delivered", 1)] * 2


async def test_a_delivery_leased_by_a_killed_server_is_sent_by_the_next_one_after_the_lease(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    receiver.behaviour = stays_silent
    with ServerProcess(settings) as killed:
        messages = [await message(killed, str(number)) for number in range(4)]
        async with entered(killed.url, "alice", TOKEN) as alice:
            for msg_id in messages[:3]:
                await ask_report(alice, msg_id)
            receiver.wait_for(3)
            killed.kill()
    receiver.behaviour = answers(200)
    with ServerProcess(settings) as server:
        async with entered(server.url, "carol") as carol:
            # The new report is sent, and what may still be on its way is left alone.
            mine = await ask_report(carol, messages[3])
            await told(carol, mine.report_id, ReportState.DELIVERED)
            assert len(receiver.requests) == 4
            disk.change("UPDATE delivery SET leased_until = 0 WHERE state = 'waiting'")
            await until(lambda: disk.rows("SELECT DISTINCT status FROM report") == [("delivered",)])
    counted = Counter(delivered(request).webhook_id for request in receiver.requests)
    assert sorted(counted.values()) == [1, 2, 2, 2]
