"""A server in trouble logs what happens, without messages or secrets."""

import json
from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import (
    Error,
    History,
    HistoryRequest,
    Profile,
    ProfileRequest,
    ReportRequest,
    ReportStatus,
    Say,
    Since,
)
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.database_file import Disk
from tests.support.receiver import Receiver, answers
from tests.support.server_process import KEY, ServerProcess, write_settings

SIGNING = "whsec_" + "c2VjcmV0LXNpZ25pbmcta2V5LW9mLXRoaXMtdGVzdA=="
TOKEN = "the-token-of-alices-client-0001"
SAID = "meet-me-at-nine"
COMMENT = "a-comment-on-a-report"
ANSWER = "what-the-website-answered"
SECRETS = (KEY, SIGNING.removeprefix("whsec_"), TOKEN, SAID, COMMENT, ANSWER)


def bad_day(directory: Path, url: str, form: str) -> Path:
    """Settings with a signed webhook of each kind and a log format."""
    settings = write_settings(directory, webhooks={"report": url, "profile": url})
    text = settings.read_text(encoding="utf-8").replace("Enabled = true", f'Enabled = true\nSecret = "{SIGNING}"')
    settings.write_text(f'{text}\n[Log]\nFormat = "{form}"\n', encoding="utf-8")
    return settings


async def live(server: ServerProcess, disk: Disk, alice: ChatClient, bob: ChatClient) -> str:
    """Cause events that a log could reveal; return the ID of a report that the site does not accept."""
    said = await bob.say("lobby", SAID)
    await bob.say("@alice", SAID)
    await alice.send(HistoryRequest("lobby", "n"))
    await alice.next(History)
    await alice.send(ReportRequest(said.msg_id, "It's spam", COMMENT, "r-1"))
    waiting = await alice.next(ReportStatus, lambda news: news.report.status == ReportState.WAITING)
    await alice.send(ProfileRequest("bob", "p-1"))
    await alice.next(Profile)
    await bob.send_text(f'{{"action": "message", "message": "{SAID}", "channel": 5}}')
    await bob.next(Error)
    await bob.refusal(Say("nowhere", SAID, "n-1"))
    with disk.refusing("INSERT ON message"):
        assert (await bob.refusal(Say("lobby", SAID, "n-2"))).code == ErrorCode.STORAGE
    async with connected(server.url) as (again, welcome):
        await again.login("alice", TOKEN, Since(welcome.epoch, 0))
    return waiting.report.report_id


@pytest.mark.parametrize("form", ["console", "json"])
async def test_a_log_has_errors_but_no_text_key_or_token(tmp_path: Path, receiver: Receiver, form: str) -> None:
    settings = bad_day(tmp_path, receiver.url, form)
    receiver.behaviour = answers(500, body=ANSWER.encode())
    # With JSON logs, the plain line with the address is printed only for a parent process.
    with ServerProcess(settings, "--child") as server:
        async with entered(server.url, "alice", TOKEN) as alice, entered(server.url, "bob") as bob:
            report = await live(server, Disk(settings.with_name("room.sqlite")), alice, bob)
        assert server.terminate() == 0
    found = server.log
    assert [secret for secret in SECRETS if secret in found] == []
    for event in ("a report could not be delivered", "a profile could not be loaded", "storage failed"):
        assert event in found
    if form == "json":
        lines = [json.loads(line) for line in found.splitlines()]
        assert all({"event", "level", "logger", "timestamp"} <= set(line) for line in lines)
        assert [line["error"] for line in lines if line.get("report") == report] == ["status 500"]
