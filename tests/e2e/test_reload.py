"""SIGHUP: a running server applies new settings, and keeps all connections."""

import asyncio
import signal
import ssl
import sys
from pathlib import Path

import httpx
import pytest
import trustme
from msgspec.structs import replace
from standardwebhooks import Webhook
from websockets.asyncio.client import connect

from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import Error, Profile, ProfileRequest, ReportRequest, ReportStatus, Say, Welcome
from tests.support.certificates import tls_settings, trusting
from tests.support.chat_client import WAIT_SECONDS, ChatClient, connected, entered
from tests.support.receiver import Receiver, Request, answers, closed_port_url
from tests.support.server_process import KEY, Channel, ServerProcess, run, write_settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")

AUTHORITY = trustme.CA()
OLD, NEW = "whsec_" + "b2xk" * 8, "whsec_" + "bmV3" * 8
RELOADED = "settings reloaded"
REJECTED = "settings not reloaded"


async def reloaded(server: ServerProcess, line: str) -> str:
    """Send SIGHUP, and wait for the resulting line of the log."""
    known = len(server.log)
    server.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(WAIT_SECONDS):
        while not (found := [each for each in server.log[known:].splitlines() if line in each]):
            await asyncio.sleep(0.02)
    return found[0]


def signed_by(secret: str, request: Request) -> bool:
    """Return whether a webhook request was signed with this secret."""
    try:
        Webhook(secret).verify(request.body, dict(request.headers))
    except Exception:
        return False
    return True


def change(settings: Path, before: str, after: str) -> None:
    """Change the settings file."""
    text = settings.read_text(encoding="utf-8")
    assert before in text
    settings.write_text(text.replace(before, after), encoding="utf-8")


async def test_a_new_secret_signs_the_next_call_and_connections_stay_open(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url, "profile": receiver.url})
    change(settings, "Enabled = true", f'Enabled = true\nSecret = "{OLD}"')
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:

            async def call(number: int) -> Request:
                message = await bob.say("lobby", f"buy {number}")
                await alice.send(ReportRequest(message.msg_id, "It's spam", "", f"n-{number}"))
                await alice.next(ReportStatus, lambda news: news.report.status == ReportState.DELIVERED)
                return receiver.requests[-1]

            assert signed_by(OLD, await call(1))
            change(settings, OLD, NEW)
            await reloaded(server, RELOADED)
            told = await call(2)
            assert signed_by(NEW, told)
            assert not signed_by(OLD, told)
            await alice.send(ProfileRequest("bob", "p-1"))
            await alice.next(Profile)
            assert signed_by(NEW, receiver.requests[-1])
            assert len([frame for frame in alice.seen if isinstance(frame, Welcome)]) == 1
        assert server.terminate() == 0
        assert KEY not in server.log
        assert NEW not in server.log


async def test_clients_are_notified_when_webhooks_are_enabled_or_disabled(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    change(settings, "Enabled = true", "Enabled = false")
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            message = await bob.say("lobby", "buy")
            for number, on in enumerate((False, True, False)):
                if number:
                    change(settings, f"Enabled = {str(not on).lower()}", f"Enabled = {str(on).lower()}")
                    await reloaded(server, RELOADED)
                    assert (await alice.next(Welcome)).webhooks.report == on
                await alice.send(ReportRequest(message.msg_id, "It's spam", "", "n-1"))
                if on:
                    await alice.next(ReportStatus, lambda news: news.report.status == ReportState.DELIVERED)
                else:
                    refusal = await alice.next(Error, lambda error: error.code != ErrorCode.NOTICE)
                    assert refusal.code == ErrorCode.WEBHOOK_OFF
                    # The report may exist; a site that is told it does not would not call again.
                    async with httpx.AsyncClient(base_url=server.http_url, trust_env=False) as site:
                        call = {"APIKey": KEY, "ReportID": "rep_0", "Status": "seen"}
                        assert (await site.post("/api/report/status", json=call)).status_code == 503


async def test_a_queue_is_measured_even_while_its_webhook_is_off(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    receiver.behaviour = answers(410)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            message = await bob.say("lobby", "buy")
            await alice.send(ReportRequest(message.msg_id, "It's spam", "", "n-1"))
            await alice.next(ReportStatus, lambda news: news.report.status == ReportState.WAITING)
        change(settings, "Enabled = true", "Enabled = false")
        await reloaded(server, RELOADED)
        async with httpx.AsyncClient(base_url=server.http_url, trust_env=False) as prometheus:
            assert 'flagpost_webhook_paused{webhook="report"} 1.0' in (await prometheus.get("/metrics")).text
            await asyncio.to_thread(run, "webhook", "resume", "report", directory=tmp_path)
            async with asyncio.timeout(WAIT_SECONDS):
                # The page is up to a second old.
                while 'flagpost_webhook_paused{webhook="report"} 0.0' not in (
                    measured := (await prometheus.get("/metrics")).text
                ):
                    await asyncio.sleep(0.05)
    assert 'flagpost_outbox_waiting{webhook="report"} 1.0' in measured


async def test_channels_title_and_limits_change_for_present_people_and_newcomers(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice:
            write_settings(tmp_path, channels=(Channel("lobby"), Channel("attic", welcome=["Mind your head."])))
            change(settings, "AdminAPIKey", 'Title = "The Mill"\nAdminAPIKey')
            change(settings, "MessagesPerSecond = 0", "MessagesPerSecond = 0.001\nMessagesBurst = 2")
            await reloaded(server, RELOADED)
            told = await alice.next(Welcome)
            assert (told.title, [channel.id for channel in told.channels]) == ("The Mill", ["lobby", "attic"])
            assert (await alice.refusal(Say("tea", "still?", "n-1"))).code == ErrorCode.UNKNOWN_CHANNEL
            assert (await alice.say("attic", "up here")).channel == "attic"
            assert (await alice.refusal(Say("attic", "too fast", "n-2"))).code == ErrorCode.TOO_FAST
            async with connected(server.url) as (_, welcome):
                assert replace(welcome, challenge=told.challenge) == told


async def test_unusable_settings_change_nothing_on_reload(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice:
            good = settings.read_text(encoding="utf-8")
            for bad, where in (
                ("Title = ", "line 1"),
                ('Titel = "x"', "Titel"),
                ('Title = "x"\nTitle = "y"', "line 2"),
            ):
                settings.write_text(f"{bad}\n{good}", encoding="utf-8")
                assert where in await reloaded(server, REJECTED)
            for none in ("", " \n# later\n"):
                settings.write_text(none, encoding="utf-8")
                assert "has no settings" in await reloaded(server, REJECTED)
            settings.unlink()
            assert "no such file" in await reloaded(server, REJECTED)
            assert (await alice.say("lobby", "still here")).message == "still here"
            settings.write_text(good, encoding="utf-8")
            await reloaded(server, RELOADED)
            assert not [frame for frame in await alice.settled() if isinstance(frame, Welcome)][1:]


async def test_settings_that_need_a_restart_are_logged_in_one_line_at_each_reload(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice:
            change(settings, "room.sqlite", "other.sqlite")
            change(settings, "AdminAPIKey", 'Address = "127.0.0.1:1"\nAdminAPIKey')
            settings.write_text(settings.read_text(encoding="utf-8") + tls_settings(tmp_path, AUTHORITY))
            for _ in range(2):
                assert "['Address', 'Database', 'TLS']" in await reloaded(server, RELOADED)
            await alice.say("lobby", "still here")
        assert not (tmp_path / "other.sqlite").exists()


async def certificate_of(port: int, authority: trustme.CA) -> bytes:
    """Return the server's certificate as DER. Raises ssl.SSLError if this authority has not signed it."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(authority), server_hostname="127.0.0.1")
    connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    return connection.getpeercert(binary_form=True) or b""


async def test_a_new_certificate_is_used_from_the_next_handshake_and_connections_stay_open(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    settings.write_text(settings.read_text(encoding="utf-8") + tls_settings(tmp_path, AUTHORITY), encoding="utf-8")
    with ServerProcess(settings) as server:
        async with connect(server.url, ssl=trusting(AUTHORITY), compression=None, proxy=None) as socket:
            alice = ChatClient(socket)
            await alice.next(Welcome)
            await alice.login("alice")
            first = await certificate_of(server.port, AUTHORITY)
            tls_settings(tmp_path, AUTHORITY)
            await reloaded(server, RELOADED)
            second = await certificate_of(server.port, AUTHORITY)
            assert first != second
            (tmp_path / "key.pem").write_bytes(AUTHORITY.issue_cert("127.0.0.1").private_key_pem.bytes())
            change(settings, "AdminAPIKey", 'Title = "Not this"\nAdminAPIKey')
            assert "is not the key of" in await reloaded(server, REJECTED)
            assert await certificate_of(server.port, AUTHORITY) == second
            await alice.say("lobby", "still here")
            assert len([frame for frame in alice.seen if isinstance(frame, Welcome)]) == 1


async def test_a_reload_replaces_the_key_of_the_site(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, webhooks={"report": closed_port_url()})
    with ServerProcess(settings) as server:
        change(settings, KEY, "another-admin-key")
        await reloaded(server, RELOADED)
        async with httpx.AsyncClient(base_url=server.http_url, trust_env=False) as site:
            for key, status in ((KEY, 403), ("another-admin-key", 404)):
                call = {"APIKey": key, "ReportID": "rep_x", "Status": "seen"}
                assert (await site.post("/api/report/status", json=call)).status_code == status


async def test_reload_command_checks_the_settings_and_has_the_server_apply_them(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        change(settings, 'Name = "Lobby"', 'Name = "Hall"')
        done = run("reload", directory=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"process {server.process.pid} is reloading its settings" in done.stdout
        async with asyncio.timeout(WAIT_SECONDS):
            while RELOADED not in server.log:
                await asyncio.sleep(0.02)
        change(settings, 'Name = "Hall"', "Name = 1")
        done = run("reload", directory=tmp_path)
        assert done.returncode == 2
        assert "PublicChannels" in done.stderr
        assert REJECTED not in server.log
    done = run("reload", directory=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


async def test_an_unreadable_certificate_authority_changes_nothing_on_reload_and_prevents_a_start(
    tmp_path: Path,
) -> None:
    settings = write_settings(tmp_path, webhooks={"report": closed_port_url()})
    with ServerProcess(settings) as server:
        with settings.open("a", encoding="utf-8") as file:
            file.write('\n[WebhookSecurity]\nCAFile = "authority.pem"\n')
        line = await reloaded(server, REJECTED)
        assert "WebhookSecurity.CAFile" in line
        assert "authority.pem" in line
        AUTHORITY.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        await reloaded(server, RELOADED)
    (tmp_path / "authority.pem").write_bytes(b"")
    done = run("--settings", str(settings), "--address", "127.0.0.1:0", directory=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"CAFile: {tmp_path / 'authority.pem'} has no certificates" in done.stderr
    done = run("doctor", "--settings", str(settings), directory=tmp_path)
    assert f"✗ WebhookSecurity.CAFile: {tmp_path / 'authority.pem'} has no certificates" in done.stdout
