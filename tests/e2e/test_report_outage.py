"""The site is down: reporters see that at once, can keep chatting, and are notified when it is back."""

import asyncio
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import pytest
import trustme

from server.protocol.codes import ReportState
from server.protocol.frames import Profile, ProfileRequest, Reports, ReportsRequest, ReportStatus
from server.reporting.deliveries import MAX_IN_FLIGHT
from server.storage.report_statuses import PAUSED
from tests.support.chat_client import ChatClient, entered
from tests.support.database_file import until
from tests.support.receiver import Receiver, answers, closed_port_url, stays_silent
from tests.support.reporting import about, ask_report, delivered, disk_of, report_settings, told, try_now
from tests.support.server_process import ServerProcess, run, write_settings

TOKEN = "the-secret-of-alices-client"


def port_of(url: str) -> int:
    """Return the port at which a site will listen later."""
    return int(url.split(":")[2].partition("/")[0])


async def sent(client: ChatClient) -> Reports:
    """Request all reports of a person."""
    nonce = client.nonce()
    await client.send(ReportsRequest(nonce))
    return await client.next(Reports, lambda reports: reports.nonce == nonce)


async def test_a_site_that_is_down_is_detected_at_once_and_gets_the_reports_when_it_is_back(tmp_path: Path) -> None:
    url = closed_port_url()
    settings = report_settings(tmp_path, url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            spam = await bob.say("lobby", "buy my stuff")
            report = await ask_report(alice, spam.msg_id)
            waiting = await told(alice, report.report_id, ReportState.WAITING)
            assert "cannot be reached" in waiting.error
            assert waiting.next_at
            await alice.say("lobby", "meanwhile")
            assert (await sent(alice)).reports == [waiting]
            assert disk.rows("SELECT status FROM attempt") == [(None,)]
            with Receiver(port=port_of(url)) as receiver:
                await try_now(disk, alice, spam.msg_id)
                done = await told(alice, report.report_id, ReportState.DELIVERED)
                assert (done.error, done.next_at) == ("", None)
                assert (await sent(alice)).reports == [done]
                (request,) = receiver.requests
    assert disk.rows("SELECT id, state, attempts FROM delivery") == [(delivered(request).webhook_id, "delivered", 2)]


DEEP_IN_AN_OUTAGE = (
    "UPDATE delivery SET due = due + 21600000; UPDATE webhook SET failures = 9, open_until = 4000000000000"
)
"""The next attempt is six hours away, and the breaker is open."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
@pytest.mark.parametrize("repair", ["a reload with another URL", "a reload", "webhook resume"])
async def test_repairing_the_site_sends_waiting_reports_at_once(
    tmp_path: Path, receiver: Receiver, repair: str
) -> None:
    url = receiver.url if "URL" in repair else closed_port_url()
    settings = report_settings(tmp_path, closed_port_url() if "URL" in repair else url)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            report = await ask_report(alice, (await bob.say("lobby", "buy my stuff")).msg_id)
            await told(alice, report.report_id, ReportState.WAITING)
            disk_of(settings).change(DEEP_IN_AN_OUTAGE)
            with Receiver(port=port_of(url)) if url != receiver.url else nullcontext(receiver) as site:
                report_settings(tmp_path, url)
                if repair == "webhook resume":
                    done = run("webhook", "resume", "report", "--settings", str(settings), directory=tmp_path)
                    assert done.returncode == 0
                else:
                    server.process.send_signal(signal.SIGHUP)
                await told(alice, report.report_id, ReportState.DELIVERED)
                assert len(about(site, "buy my stuff")) == 1


async def test_a_restart_probes_the_site_at_once(tmp_path: Path) -> None:
    url = closed_port_url()
    settings = report_settings(tmp_path, url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            report = await ask_report(alice, (await bob.say("lobby", "buy my stuff")).msg_id)
            await told(alice, report.report_id, ReportState.WAITING)
        disk.change(DEEP_IN_AN_OUTAGE)
        assert server.terminate() == 0
    with Receiver(port=port_of(url)), ServerProcess(settings):
        await until(lambda: disk.rows("SELECT state FROM delivery") == [("delivered",)])


async def test_the_frames_of_a_reporter_are_answered_while_the_site_hangs(tmp_path: Path, receiver: Receiver) -> None:
    receiver.behaviour = stays_silent
    settings = report_settings(tmp_path, receiver.url)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            more = MAX_IN_FLIGHT + 2
            reports = [await ask_report(alice, (await bob.say("lobby", str(number))).msg_id) for number in range(more)]
            await asyncio.to_thread(receiver.wait_for, MAX_IN_FLIGHT)
            await alice.say("lobby", "meanwhile")
            await alice.say("@bob", "psst")
            assert {report.status for report in (await sent(alice)).reports} == {ReportState.RECEIVED}
            assert len([frame for frame in alice.seen if isinstance(frame, ReportStatus)]) == len(reports)
            assert len(receiver.requests) == MAX_IN_FLIGHT
            # None of the attempts has ended yet.
            assert disk_of(settings).rows("SELECT count(*) FROM attempt") == [(0,)]


async def test_a_queue_that_hangs_delays_no_profile(tmp_path: Path, receiver: Receiver) -> None:
    receiver.behaviour = stays_silent
    with Receiver(answers(200, b'{"StatusCode":200,"Data":{"Headline":"Hi"}}')) as profiles:
        settings = write_settings(tmp_path, webhooks={"report": receiver.url, "profile": profiles.url})
        with ServerProcess(settings) as server:
            async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
                for number in range(MAX_IN_FLIGHT + 2):
                    await ask_report(alice, (await bob.say("lobby", str(number))).msg_id)
                await asyncio.to_thread(receiver.wait_for, MAX_IN_FLIGHT)
                await alice.send(ProfileRequest("bob", "n-1"))
                assert (await alice.next(Profile)).headline == "Hi"
                assert disk_of(settings).rows("SELECT count(*) FROM attempt") == [(0,)]


async def test_a_report_waits_if_the_site_has_a_blocked_private_address(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url, "profile": receiver.url})
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text + "\n[WebhookSecurity]\nBlockPrivate = true\n", encoding="utf-8")
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            report = await ask_report(alice, (await bob.say("lobby", "buy my stuff")).msg_id)
            assert "address is not allowed" in (await told(alice, report.report_id, ReportState.WAITING)).error
            await alice.send(ProfileRequest("bob", "n-1"))
            assert "address is not allowed" in (await alice.next(Profile)).error
        assert server.terminate() == 0
    assert not receiver.requests
    assert disk.rows("SELECT state, attempts FROM delivery") == [("waiting", 1)]
    settings.write_text(text, encoding="utf-8")
    disk.make_due()
    with ServerProcess(settings):
        await until(lambda: disk.rows("SELECT state, attempts FROM delivery") == [("delivered", 2)])
    assert len(receiver.requests) == 1


async def test_a_returning_reporter_is_notified_once_of_changes_even_after_a_restart(tmp_path: Path) -> None:
    url = closed_port_url()
    settings = report_settings(tmp_path, url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice", TOKEN) as alice, entered(server.url, "bob") as bob:
            reports = []
            for text in ("one", "two"):
                reports.append(await ask_report(alice, (await bob.say("lobby", text)).msg_id))
                await told(alice, reports[-1].report_id, ReportState.WAITING)
        await until(lambda: disk.rows("SELECT min(notified) FROM report") == [(1,)])
        assert server.terminate() == 0
    one, two = (report.report_id for report in reports)
    # Keeps the other one waiting, as if the site had asked for it.
    disk.change(f"UPDATE delivery SET due = iif(report_id = '{one}', 0, due + 3600000), asked_to_wait = 1")
    with Receiver(port=port_of(url)) as receiver, ServerProcess(settings) as server:
        await until(lambda: disk.rows("SELECT status FROM report WHERE id = ?", one) == [("delivered",)])
        assert disk.rows("SELECT notified FROM report ORDER BY seq") == [(0,), (1,)]
        async with entered(server.url, "alice", TOKEN) as alice:
            came = await alice.next(Reports)
            assert [(each.report_id, each.status) for each in came.reports] == [(two, "waiting"), (one, "delivered")]
            assert came.changed == [one]
            receiver.behaviour = answers(503)
            await try_now(disk, alice, reports[1].msg_id)
            again = await alice.next(ReportStatus, lambda status: "status 503" in status.report.error)
            assert again.report.report_id == two
        await until(lambda: disk.rows("SELECT min(notified) FROM report") == [(1,)])
        # Other people receive nothing, and news is not repeated.
        async with entered(server.url, "alice", "a-secret-of-another-client") as other:
            assert not [frame for frame in await other.settled() if isinstance(frame, Reports)]
        async with entered(server.url, "alice", TOKEN) as alice:
            came = await alice.next(Reports)
            assert (len(came.reports), came.changed) == (2, [])
    assert [len(about(receiver, text)) for text in ("one", "two")] == [1, 1]


async def test_a_site_with_an_untrusted_certificate_gets_nothing_until_it_is_trusted(
    tmp_path: Path, receiver: Receiver
) -> None:
    heard: list[bytes] = []
    async with tls_site(heard) as url:
        settings = report_settings(tmp_path, url)
        disk = disk_of(settings)
        with ServerProcess(settings) as server:
            async with entered(server.url, "alice", TOKEN) as alice, entered(server.url, "bob") as bob:
                report = await ask_report(alice, (await bob.say("lobby", "buy my stuff")).msg_id)
                waiting = await told(alice, report.report_id, ReportState.WAITING)
                assert "certificate" in waiting.error
                assert "localhost" not in waiting.error
            assert server.terminate() == 0
    # The site has received no byte of it.
    assert b"".join(heard) == b""
    assert disk.rows("SELECT state, attempts FROM delivery") == [("waiting", 1)]
    assert disk.rows("SELECT status FROM attempt") == [(None,)]
    settings.write_text(settings.read_text(encoding="utf-8").replace(url, receiver.url), encoding="utf-8")
    disk.make_due()
    with ServerProcess(settings) as server:
        await until(lambda: disk.rows("SELECT state, attempts FROM delivery") == [("delivered", 2)])
        async with entered(server.url, "alice", TOKEN) as alice:
            assert (await alice.next(Reports)).changed == [report.report_id]
    assert [each.report["FromUsername"] for each in about(receiver, "buy my stuff")] == ["alice"]


@asynccontextmanager
async def tls_site(heard: list[bytes]) -> AsyncIterator[str]:
    """The URL of a site whose certificate is signed by a private authority; `heard` collects what it reads."""

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    site = await asyncio.start_server(read, "127.0.0.1", 0, ssl=context)
    async with site:
        yield f"https://localhost:{site.sockets[0].getsockname()[1]}/hooks"


async def test_waiting_reporters_are_notified_when_deliveries_stop_and_resume(
    tmp_path: Path, receiver: Receiver
) -> None:
    """They send no request: another person's report or the administrator causes the change."""
    receiver.behaviour = answers(503)
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            report = await ask_report(alice, (await bob.say("lobby", "buy my stuff")).msg_id)
            assert (await told(alice, report.report_id, ReportState.WAITING)).next_at
            receiver.behaviour = answers(410)
            await ask_report(bob, (await alice.say("lobby", "no")).msg_id)
            paused = await alice.next(ReportStatus, lambda status: status.report.error == PAUSED)
            assert (paused.report.report_id, paused.report.next_at) == (report.report_id, None)
            receiver.behaviour = answers(200)
            disk.change("DELETE FROM webhook")
            again = await alice.next(ReportStatus, lambda status: status.report.error != PAUSED)
            assert again.report.report_id == report.report_id
            disk.make_due()
            await told(alice, report.report_id, ReportState.DELIVERED)


async def test_several_webhooks_get_each_report_and_a_new_url_keeps_its_queue(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    first = settings.read_text(encoding="utf-8")
    copy = '\n[[WebhookURLs]]\nName = "report"\nID = "archive"\nEnabled = true\nURL = "{}"\n'
    settings.write_text(first + copy.format(closed_port_url()), encoding="utf-8")
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            report = await ask_report(alice, (await bob.say("lobby", "buy my stuff")).msg_id)
            await told(alice, report.report_id, ReportState.DELIVERED)
            await until(lambda: bool(disk.rows("SELECT 1 FROM delivery WHERE webhook = 'archive' AND attempts > 0")))
        listed = run("webhook", "list", "--settings", str(settings), directory=tmp_path).stdout
        assert "archive (report)" in listed
        assert server.terminate() == 0
    with Receiver() as archive:
        settings.write_text(first + copy.format(archive.url), encoding="utf-8")
        with ServerProcess(settings):
            await until(lambda: disk.rows("SELECT DISTINCT state FROM delivery") == [("delivered",)])
        assert len(about(archive, "buy my stuff")) == 1
    assert len(about(receiver, "buy my stuff")) == 1
