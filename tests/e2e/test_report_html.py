"""Reports with HTML messages: no message blocks the server or its outbox, even across a restart."""

import asyncio
from pathlib import Path

from server.protocol.codes import ReportState
from server.protocol.frames import Ping, Pong
from tests.support.chat_client import ChatClient, entered
from tests.support.database_file import Disk
from tests.support.receiver import Receiver, answers
from tests.support.reporting import ask_report, delivered, disk_of, report_settings, told, try_now
from tests.support.server_process import ServerProcess

POISONED = "www.xn--" * 30
"""A naive search for links in this text would take years while holding the GIL."""
ANSWER_SECONDS = 15


async def check_answers(client: ChatClient) -> None:
    """Assert that the server answers within a time limit."""
    await client.send(Ping())
    async with asyncio.timeout(ANSWER_SECONDS):
        await client.next(Pong)


async def received(receiver: Receiver, count: int) -> object:
    """Wait for so many reports; return the message of the latest."""
    requests = await asyncio.to_thread(receiver.wait_for, count)
    return delivered(requests[-1]).report["Message"]


def html_settings(directory: Path, url: str) -> tuple[Path, Disk]:
    """Settings with HTML reports, and the path of the database."""
    settings = report_settings(directory, url)
    settings.write_text(f'{settings.read_text(encoding="utf-8")}MessageFormat = "html"\n', encoding="utf-8")
    return settings, disk_of(settings)


async def test_a_message_with_costly_markdown_is_reported_and_delivered_as_html(tmp_path: Path) -> None:
    with Receiver(answers(500)) as receiver:
        settings, disk = html_settings(tmp_path, receiver.url)
        with ServerProcess(settings) as server:
            async with entered(server.url, "bob") as bob, entered(server.url, "alice", "token-of-alice-00") as alice:
                spam = (await bob.say("lobby", f"{POISONED} *now*")).msg_id
                report = await ask_report(alice, spam)
                await check_answers(bob)
                assert await received(receiver, 1) == f"<p>{POISONED} <em>now</em></p>"
                # A server killed before it has recorded the attempt leaves a lease of 30 s.
                await told(alice, report.report_id, ReportState.WAITING)
        # This row is the first to be sent after the restart.
        with ServerProcess(settings) as server:
            async with entered(server.url, "alice", "token-of-alice-00") as alice:
                await try_now(disk, alice, spam)
                await check_answers(alice)
                assert await received(receiver, 2) == f"<p>{POISONED} <em>now</em></p>"
