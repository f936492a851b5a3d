"""Reports and profiles through a real site, which answers correctly, wrongly or not at all."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import (
    Message,
    ProfileField,
    ProfileRequest,
    ReportEntry,
    ReportRequest,
    ReportStatus,
)
from server.protocol.frames import Profile as ProfileFrame
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.receiver import (
    BIG_BODY,
    GARBAGE,
    Behaviour,
    Receiver,
    answers,
    answers_gzipped,
    closed_port_url,
    drips,
    redirects,
    sends,
    stays_silent,
)
from tests.support.reporting import ask_report, disk_of, told, try_now
from tests.support.server_process import KEY, ServerProcess, write_settings

GOOD = json.dumps(
    {"StatusCode": 200, "Data": {"OK": True, "Headline": "Hi", "ProfileFields": [{"Name": "Age", "Value": "9"}]}}
).encode()
TELLTALE = re.compile(r"https?:|127\.0\.0\.1|localhost|internal/|:\d{4,5}|Traceback|Error\b|Errno|httpx|File \"")
"""What no chat user may see: the address of the site, and internals of the server."""


@asynccontextmanager
async def room(
    directory: Path, url: str, profile_url: str = "", deadlines: Mapping[str, float] | None = None
) -> AsyncIterator[tuple[ChatClient, Message, ServerProcess]]:
    """Alice, in a room with its webhooks at this URL, and a message by bob."""
    settings = write_settings(directory, webhooks={"report": url, "profile": profile_url or url})
    # A proxy named in the environment must not be used.
    proxy = dict.fromkeys(("HTTP_PROXY", "http_proxy"), closed_port_url())
    with ServerProcess(settings, extra=proxy, deadlines=deadlines) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            yield alice, await bob.say("lobby", "buy my *stuff* <now> & here"), server


async def report(client: ChatClient, message: Message, reason: str = "It's spam", comment: str = "") -> ReportEntry:
    """Report a message; return its status after the first attempt."""
    nonce = client.nonce()
    await client.send(ReportRequest(message.msg_id, reason, comment, nonce))
    received = await client.next(ReportStatus, lambda status: status.nonce == nonce)
    assert (received.report.status, received.report.error) == (ReportState.RECEIVED, "")
    return (await client.next(ReportStatus, lambda status: status.report.report_id == received.report.report_id)).report


async def profile(client: ChatClient, name: str) -> ProfileFrame:
    """Request a profile; return the answer."""
    nonce = client.nonce()
    await client.send(ProfileRequest(name, nonce))
    return await client.next(ProfileFrame, lambda answer: answer.nonce == nonce)


async def test_a_report_arrives_as_the_contract_says_from_the_servers_record(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with room(tmp_path, receiver.url) as (alice, spam, _):
        # Additional claims by the client are ignored.
        claims = {"channel": "tea", "username": "carol", "message": "forged", "timestamp": "1999"}
        ask = {
            "action": "report",
            "msgID": spam.msg_id,
            "reason": "It's spam",
            "comment": " please look ",
            "nonce": "n",
        }
        await alice.send_text(json.dumps({**ask, **claims}))
        received, delivered = await alice.next(ReportStatus), await alice.next(ReportStatus)
        assert (received.report.status, received.nonce) == ("received", "n")
        assert (delivered.report.status, delivered.nonce) == ("delivered", None)
    (request,) = receiver.requests
    assert request.line == "POST /internal/webhook HTTP/1.1"
    assert request.header("Content-Type") == "application/json"
    assert request.header("Content-Length") == str(len(request.body))
    assert request.header("Accept-Encoding") == "identity"
    body = json.loads(request.body)
    assert list(body) == ["Action", "APIKey", "Report"]
    assert (body["Action"], body["APIKey"]) == ("report", KEY)
    assert list(body["Report"].items()) == [
        ("FromUsername", "alice"),
        ("AboutUsername", "bob"),
        ("Channel", "lobby"),
        ("Timestamp", body["Report"]["Timestamp"]),
        ("Reason", "It's spam"),
        ("Message", "buy my *stuff* <now> & here"),
        ("Comment", "please look"),
    ]
    assert datetime.fromisoformat(body["Report"]["Timestamp"]) == spam.at
    assert b"\\u003cnow\\u003e \\u0026 here" in request.body


async def test_only_its_reader_can_report_a_direct_message(tmp_path: Path, receiver: Receiver) -> None:
    async with room(tmp_path, receiver.url) as (alice, _, server), entered(server.url, "carol") as carol:
        nasty = await carol.say("@alice", "nasty")
        assert (await report(alice, nasty)).status == "delivered"
        async with entered(server.url, "dave") as dave:
            error = await dave.refusal(ReportRequest(nasty.msg_id, "It's spam", "", "n-1"))
            assert (error.code, error.nonce) == (ErrorCode.UNKNOWN_MESSAGE, "n-1")
    (request,) = receiver.requests
    assert json.loads(request.body)["Report"]["Channel"] == "@carol"


async def test_reports_that_are_not_allowed_never_reach_the_site(tmp_path: Path, receiver: Receiver) -> None:
    async with room(tmp_path, receiver.url) as (alice, spam, _):
        mine = await alice.say("lobby", "mine")
        for ask, code in (
            (ReportRequest(mine.msg_id, "It's spam", "", "n-1"), ErrorCode.CANNOT_REPORT_SELF),
            (ReportRequest(2**62, "It's spam", "", "n-1"), ErrorCode.UNKNOWN_MESSAGE),
            (ReportRequest(spam.msg_id, "Because", "", "n-1"), ErrorCode.BAD_REASON),
            (ReportRequest(spam.msg_id, "Other (please describe)", " ", "n-1"), ErrorCode.BAD_COMMENT),
            (ReportRequest(spam.msg_id, "It's spam", "x" * 1001, "n-1"), ErrorCode.BAD_COMMENT),
        ):
            error = await alice.refusal(ask)
            assert (error.code, error.nonce) == (code, "n-1")
    assert not receiver.requests


async def test_a_disabled_webhook_is_reported_at_login_and_on_request(server: ServerProcess) -> None:
    async with connected(server.url) as (alice, welcome):
        assert (welcome.webhooks.report, welcome.webhooks.profile) == (False, False)
        await alice.login("alice")
        for ask in (ReportRequest(1, "It's spam", "", "n-1"), ProfileRequest("bob", "n-1")):
            assert (await alice.refusal(ask)).code == ErrorCode.WEBHOOK_OFF


async def test_a_profile_is_requested_as_the_contract_says_and_once_a_minute(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.behaviour = answers(200, GOOD)
    async with room(tmp_path, receiver.url) as (alice, _, server):
        async with connected(server.url) as (_, welcome):
            assert (welcome.webhooks.report, welcome.webhooks.profile) == (True, True)
        answer, *others = await asyncio.gather(*(profile_of_bob(server, f"guest {number}") for number in range(8)))
        assert (answer.username, answer.headline, answer.error) == ("bob", "Hi", "")
        assert answer.profile_fields == [ProfileField("Age", "9")]
        assert {other.headline for other in others} == {"Hi"}
        assert (await profile(alice, "bob")).headline == "Hi"
    (request,) = receiver.requests
    assert request.header("Content-Type") == "application/json"
    assert request.body == f'{{"Action":"profile","APIKey":"{KEY}","Username":"bob"}}'.encode()


async def profile_of_bob(server: ServerProcess, name: str) -> ProfileFrame:
    """Return bob's profile as a new user receives it."""
    async with entered(server.url, name) as client:
        return await profile(client, "bob")


BAD: dict[str, tuple[Behaviour, str, str]] = {
    "500": (answers(500, b"Traceback (most recent call last): /srv/app.py"), "status 500", "status 500"),
    "204": (answers(204), "status 204", "status 204"),
    "302": (redirects(), "status 302", "status 302"),
    "garbage": (sends(GARBAGE), "broke off", "broke off"),
    "nothing at all": (sends(b""), "broke off", "broke off"),
    "half an answer": (sends(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"Stat'), "broke off", "broke off"),
    "200 with 70 KiB": (answers(200, BIG_BODY), "", "cannot be read"),
    "500 with 70 KiB": (answers(500, BIG_BODY), "status 500", "status 500"),
    "compressed": (answers_gzipped(200, GOOD), "", "cannot be read"),
    "200 without JSON": (answers(200, b"<html>OK</html>"), "", "cannot be read"),
    "200 with StatusCode 403": (answers(200, b'{"StatusCode":403}'), "", "status 403"),
}
"""How the site answers -> the message about a report ("": it was accepted), and about a profile."""


@pytest.mark.parametrize(("behaviour", "of_report", "of_profile"), BAD.values(), ids=BAD.keys())
async def test_every_answer_of_the_site_is_explained_in_plain_words(
    tmp_path: Path, receiver: Receiver, behaviour: Behaviour, of_report: str, of_profile: str
) -> None:
    receiver.behaviour = behaviour
    async with room(tmp_path, receiver.url) as (alice, spam, server):
        status, answer = await asyncio.gather(report_alone(server, spam), profile(alice, "bob"))
        assert status.status == ("waiting" if of_report else "delivered")
        assert of_report in status.error
        assert of_profile in answer.error
        assert not TELLTALE.search(f"{status.error} {answer.error}")
        assert (answer.headline, answer.profile_fields) == ("", [])
        assert KEY not in server.log
        # The redirect was not followed.
        assert {request.line.split()[1] for request in receiver.requests} == {"/internal/webhook"}
        # Once the site answers correctly, so does the server.
        receiver.behaviour = answers(200, GOOD)
        again = await ask_report(alice, spam.msg_id)
        # It waits to be gathered with others about the same author.
        await try_now(disk_of(tmp_path / "settings.toml"), alice, spam.msg_id)
        await told(alice, again.report_id, ReportState.DELIVERED)
        assert (await profile(alice, "bob")).headline == "Hi"


async def report_alone(server: ServerProcess, spam: Message) -> ReportEntry:
    """Send a report by a new user."""
    async with entered(server.url, "carol") as carol:
        return await report(carol, spam)


async def test_an_unreachable_site_is_explained_in_plain_words(tmp_path: Path) -> None:
    async with room(tmp_path, closed_port_url()) as (alice, spam, server):
        status = await report(alice, spam)
        answer = await profile(alice, "bob")
        assert status.status == "waiting"
        for words in (status.error, answer.error):
            assert "cannot be reached" in words
            assert not TELLTALE.search(words)
        assert KEY not in server.log


async def test_the_sites_own_error_message_is_shown(tmp_path: Path, receiver: Receiver) -> None:
    receiver.behaviour = answers(404, b'{"StatusCode":404,"Data":{"OK":false,"Error":"We do not know her."}}')
    async with room(tmp_path, receiver.url) as (alice, _, _):
        assert (await profile(alice, "bob")).error == "We do not know her."


async def test_a_site_that_never_answers_delays_nobody_and_times_out(tmp_path: Path, receiver: Receiver) -> None:
    receiver.behaviour = stays_silent
    soon = {"server.webhooks.webhook_client.DEADLINE_SECONDS": 1.0}
    with Receiver(drips) as dripping:
        async with room(tmp_path, receiver.url, dripping.url, soon) as (alice, spam, _):
            await alice.send(ReportRequest(spam.msg_id, "It's spam", "", "n-1"))
            await alice.send(ProfileRequest("bob", "n-2"))
            for site in (receiver, dripping):
                await asyncio.to_thread(site.wait_for, 1)
            # The same user can continue meanwhile.
            assert (await alice.say("lobby", "meanwhile")).message == "meanwhile"
            assert [
                frame.report.status if isinstance(frame, ReportStatus) else frame
                for frame in await alice.settled()
                if isinstance(frame, ReportStatus | ProfileFrame)
            ] == [ReportState.RECEIVED]
            waiting = await alice.next(ReportStatus, lambda status: status.report.status == ReportState.WAITING)
            answer = await alice.next(ProfileFrame)
            assert answer.nonce == "n-2"
            for words in (waiting.report.error, answer.error):
                assert "did not answer in time" in words
                assert not TELLTALE.search(words)
