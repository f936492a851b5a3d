"""Forged fields of reports, from clients that are logged in, kicked or not logged in: the site receives none."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from server.protocol.codes import CloseCode, ErrorCode, ReportState
from server.protocol.frames import (
    Error,
    History,
    HistoryRequest,
    Message,
    ReportEntry,
    ReportRequest,
    Reports,
    ReportsRequest,
    ReportStatus,
    Takeback,
)
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.database_file import Disk, until
from tests.support.receiver import Receiver
from tests.support.reporting import SPAM, ask_report, delivered, disk_of, report_settings, send_report, told, written
from tests.support.server_process import KEY, ServerProcess

TOKEN = "the-secret-of-mallorys-client"


class Scene(NamedTuple):
    """The targets of forgery: messages by bob, a conversation of others, and a report by alice."""

    server: ServerProcess
    receiver: Receiver
    disk: Disk
    spam: Message
    elsewhere: Message
    secret: Message
    mine: Message
    reported: ReportEntry


@asynccontextmanager
async def scene(directory: Path, receiver: Receiver) -> AsyncIterator[tuple[Scene, ChatClient]]:
    """The scene with mallory in it, after alice's report was delivered."""
    settings = report_settings(directory, receiver.url, evidence=True)
    with ServerProcess(settings) as server:
        async with (
            entered(server.url, "alice") as alice,
            entered(server.url, "bob") as bob,
            entered(server.url, "mallory", TOKEN) as mallory,
        ):
            elsewhere, secret = await bob.say("tea", "elsewhere"), await bob.say("@alice", "secret")
            mine, spam = await mallory.say("lobby", "mine"), await bob.say("lobby", "buy my stuff")
            reported = await ask_report(alice, spam.msg_id)
            await told(alice, reported.report_id, ReportState.DELIVERED)
            disk = disk_of(settings)
            await until(lambda: disk.rows("SELECT notified FROM report") == [(1,)])
            yield Scene(server, receiver, disk, spam, elsewhere, secret, mine, reported), mallory


def forgeries(scene: Scene) -> dict[str, tuple[dict[str, object], ErrorCode]]:
    """Frames that must be refused even after login, and the expected code."""
    good: dict[str, object] = {"action": "report", "msgID": scene.spam.msg_id, "reason": SPAM, "comment": "x"}
    return {
        "a message of nobody": ({**good, "msgID": 2**62}, ErrorCode.UNKNOWN_MESSAGE),
        "a number below all": ({**good, "msgID": 0}, ErrorCode.MALFORMED),
        "a number as text": ({**good, "msgID": str(scene.spam.msg_id)}, ErrorCode.MALFORMED),
        "no number": ({"action": "report", "reason": SPAM, "message": "forged"}, ErrorCode.MALFORMED),
        "a conversation of others": ({**good, "msgID": scene.secret.msg_id}, ErrorCode.UNKNOWN_MESSAGE),
        "one's own message": ({**good, "msgID": scene.mine.msg_id}, ErrorCode.CANNOT_REPORT_SELF),
        "a reason of one's own": ({**good, "reason": "Because"}, ErrorCode.BAD_REASON),
        "no reason": ({**good, "reason": ""}, ErrorCode.BAD_REASON),
        "a reason without its comment": (
            {**good, "reason": "Other (please describe)", "comment": " \n"},
            ErrorCode.BAD_COMMENT,
        ),
        "a comment that is too long": ({**good, "comment": "x" * 1001}, ErrorCode.BAD_COMMENT),
        "a comment that is none": ({**good, "comment": ["x"]}, ErrorCode.MALFORMED),
        "context from another channel": ({**good, "context": [scene.elsewhere.msg_id]}, ErrorCode.BAD_CONTEXT),
        "context that is private": ({**good, "context": [scene.secret.msg_id]}, ErrorCode.BAD_CONTEXT),
        "context that is not there": ({**good, "context": [2**62]}, ErrorCode.BAD_CONTEXT),
        "the message as its own context": ({**good, "context": [scene.spam.msg_id]}, ErrorCode.BAD_CONTEXT),
        "context twice": ({**good, "context": [scene.mine.msg_id] * 2}, ErrorCode.BAD_CONTEXT),
        "context without end": ({**good, "context": [scene.mine.msg_id] * 16}, ErrorCode.MALFORMED),
        "context as text": ({**good, "context": [{"Username": "bob", "Message": "forged"}]}, ErrorCode.MALFORMED),
        "a withdrawal of others' report": (
            {"action": "withdraw", "reportID": scene.reported.report_id},
            ErrorCode.UNKNOWN_REPORT,
        ),
        "a withdrawal of no report": ({"action": "withdraw", "reportID": "rep_0"}, ErrorCode.UNKNOWN_REPORT),
        "others' message taken back": ({"action": "takeback", "msgID": scene.spam.msg_id}, ErrorCode.NOT_YOURS),
        "others' conversation taken back": (
            {"action": "takeback", "msgID": scene.secret.msg_id},
            ErrorCode.UNKNOWN_MESSAGE,
        ),
        "a status that is the server's to tell": (
            {"action": "report", "report": {"reportID": scene.reported.report_id, "status": "resolved"}},
            ErrorCode.MALFORMED,
        ),
    }


def everything(scene: Scene) -> dict[str, dict[str, object]]:
    """All forgeries, and frames that would be valid after login."""
    return {
        **{name: frame for name, (frame, _) in forgeries(scene).items()},
        "a report": {"action": "report", "msgID": scene.spam.msg_id, "reason": SPAM, "username": "alice"},
        "an addition": {"action": "report", "msgID": scene.spam.msg_id, "reason": SPAM, "add": True},
        "reports": {"action": "reports", "nonce": "n"},
        "a takeback": {"action": "takeback", "msgID": scene.mine.msg_id},
    }


async def storage_settled(client: ChatClient) -> None:
    """Wait until all earlier requests are processed and written, without leaving a trace."""
    for _ in range(3):
        await client.send(HistoryRequest("lobby", "settled"))
        await client.next(History)
        assert (await client.refusal(Takeback(2**62))).code == ErrorCode.UNKNOWN_MESSAGE


async def test_no_forgery_by_a_logged_in_user_is_accepted(tmp_path: Path, receiver: Receiver) -> None:
    async with scene(tmp_path, receiver) as (at, mallory):
        before = at.disk.content()
        for name, (frame, code) in forgeries(at).items():
            await mallory.send_text(json.dumps(frame))
            assert (await mallory.next(Error)).code == code, name
        await storage_settled(mallory)
        assert at.disk.content() == before
    assert len(receiver.requests) == 1


async def test_no_request_of_a_user_who_is_not_logged_in_is_accepted(tmp_path: Path, receiver: Receiver) -> None:
    async with scene(tmp_path, receiver) as (at, mallory), connected(at.server.url) as (nobody, _):
        before = at.disk.content()
        for name, frame in everything(at).items():
            await nobody.send_text(json.dumps(frame))
            assert (await nobody.next(Error)).code in {ErrorCode.NOT_LOGGED_IN, ErrorCode.MALFORMED}, name
        await storage_settled(mallory)
        assert at.disk.content() == before
    assert len(receiver.requests) == 1


async def test_no_request_of_a_kicked_user_is_accepted(tmp_path: Path, receiver: Receiver) -> None:
    async with scene(tmp_path, receiver) as (at, mallory):
        before = at.disk.content()
        # The kicked client ignores the close, and continues as if nothing had happened.
        mallory.socket.transport.pause_reading()
        async with connected(at.server.url) as (again, _):
            assert (await again.login("mallory", TOKEN)).username == "mallory"
            heard = len(mallory.seen)
            for frame in everything(at).values():
                await mallory.send_text(json.dumps(frame))
            mallory.socket.transport.resume_reading()
            assert (await mallory.closed())[0] == CloseCode.REPLACED
            assert not [frame for frame in mallory.seen[heard:] if isinstance(frame, Error | ReportStatus | Reports)]
            await storage_settled(again)
            assert at.disk.content() == before
    assert len(receiver.requests) == 1


CLAIMS: dict[str, object] = {
    **dict.fromkeys(("username", "author", "fromUsername", "FromUsername", "aboutUsername", "AboutUsername"), "carol"),
    **dict.fromkeys(("channel", "Channel"), "tea"),
    **dict.fromkeys(("timestamp", "Timestamp", "at", "reportedAt"), "1999-01-01T00:00:00Z"),
    **dict.fromkeys(("message", "Message", "reportID", "ReportID", "status", "identity", "evidence"), "forged"),
    "Context": [{"Username": "carol", "Message": "forged"}],
}


async def test_additional_claims_of_a_reporter_are_ignored(tmp_path: Path, receiver: Receiver) -> None:
    async with scene(tmp_path, receiver) as (at, mallory):
        ask = {"action": "report", "msgID": at.spam.msg_id, "reason": SPAM, "comment": "x", "context": [at.mine.msg_id]}
        await mallory.send_text(json.dumps({**CLAIMS, **ask, "nonce": "n"}))
        report = (await mallory.next(ReportStatus)).report
        # Further reports about the same author wait to be gathered.
        at.disk.make_due()
        await told(mallory, report.report_id, ReportState.DELIVERED)
        assert (report.about, report.channel, report.at, report.message) == ("bob", "lobby", at.spam.at, "buy my stuff")
    _, request = receiver.requests
    assert b"orged" not in request.body
    sent = delivered(request).report
    of_mallory, of_bob = sent["FromUserID"], sent["AboutUserID"]
    assert of_mallory != of_bob
    assert sent == {
        "FromUsername": "mallory",
        "AboutUsername": "bob",
        "Channel": "lobby",
        "Timestamp": written(at.spam.at),
        "Reason": SPAM,
        "Message": "buy my stuff",
        "Comment": "x",
        "ReportID": report.report_id,
        "MessageID": at.spam.msg_id,
        "Context": [{"Username": "mallory", "Timestamp": written(at.mine.at), "Message": "mine", "UserID": of_mallory}],
        "FromUserID": of_mallory,
        "AboutUserID": of_bob,
        "AboutHoldsName": True,
        "Reporters": 2,
    }
    assert report.report_id != at.reported.report_id


async def test_reporters_add_only_to_their_own_reports(tmp_path: Path, receiver: Receiver) -> None:
    async with scene(tmp_path, receiver) as (at, mallory):
        alices = at.disk.rows("SELECT * FROM report")
        report = await send_report(mallory, ReportRequest(at.spam.msg_id, SPAM, "mine", "n", add=True))
        assert report.report_id != at.reported.report_id
        # Further reports about the same author wait to be gathered.
        at.disk.make_due()
        await told(mallory, report.report_id, ReportState.DELIVERED)
        assert at.disk.rows("SELECT * FROM report WHERE id = ?", at.reported.report_id) == alices
        # Other people's reports are not revealed either.
        await mallory.send(ReportsRequest("n-2"))
        assert [each.report_id for each in (await mallory.next(Reports)).reports] == [report.report_id]


def call(scene: Scene, **fields: object) -> dict[str, object]:
    """Send a valid callback, except for these fields."""
    good = {"APIKey": KEY, "ReportID": scene.reported.report_id, "Status": "resolved", "Note": "done"}
    return {key: value for key, value in {**good, **fields}.items() if value is not ...}


NOT_THE_SITES = sorted(set(ReportState) - {ReportState.SEEN, ReportState.RESOLVED})
BAD_CALLS: list[tuple[int, str, list[object]]] = [
    (403, "APIKey", ["", "wrong", KEY.upper(), KEY[:-1], KEY + "x", "\u00e9", "\x00", 1, True]),
    (400, "APIKey", [..., None, [KEY], {"": KEY}]),
    (400, "Status", [..., None, "", "reopened", ["seen"], *NOT_THE_SITES]),
    (404, "ReportID", ["", "rep_0", "%", 1]),
    (400, "ReportID", [..., None, ["rep_0"]]),
    (400, "Note", ["x" * 1001]),
]
"""The status of the answer to a callback that is valid except for this field and value (...: left out)."""


async def test_the_site_interface_needs_the_key_and_accepts_only_defined_requests(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with scene(tmp_path, receiver) as (at, _), httpx.AsyncClient(trust_env=False) as http:
        before = at.disk.content()
        url = at.server.http_url + "/api/report/status"
        for status, field, value in ((status, field, each) for status, field, bad in BAD_CALLS for each in bad):
            answer = await http.post(url, json=call(at, **{field: value}))
            assert answer.status_code == status, (field, value)
            assert KEY not in answer.text
        # A key in the URL or in another header does not count.
        keyless = call(at, APIKey=...)
        assert (await http.post(url, json=keyless, params={"APIKey": KEY})).status_code == 400
        assert (await http.post(url, json=keyless, headers={"APIKey": KEY})).status_code == 400
        assert at.disk.content() == before
        assert KEY not in at.server.log
