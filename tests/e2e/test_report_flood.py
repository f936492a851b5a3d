"""Many people report one message: the site gets a few posts that say how many, and nobody's report is lost."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

from server.protocol.frames import ReportRequest, Reports, ReportsRequest, ReportStatus
from tests.support.chat_client import WAIT_SECONDS, ChatClient, connected
from tests.support.receiver import Receiver
from tests.support.server_process import ServerProcess, write_settings


async def guest(stack: AsyncExitStack, url: str, name: str) -> ChatClient:
    """Return a client of a new person, without a token."""
    client, _ = await stack.enter_async_context(connected(url))
    await client.login(name)
    return client


async def until_delivered(client: ChatClient) -> None:
    """Wait until the client's report is delivered."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            await client.send(ReportsRequest(client.nonce()))
            (report,) = (await client.next(Reports)).reports
            if report.status == "delivered":
                return
            await asyncio.sleep(0.2)


async def test_a_flood_of_reports_about_one_message_is_posted_as_reported_by_19_people(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    shorter = {"server.rules.retries.GATHERING_SECONDS": 2}
    with ServerProcess(settings, deadlines=shorter) as server:
        async with AsyncExitStack() as stack:
            spammer = await guest(stack, server.url, "spammer")
            spam = await spammer.say("lobby", "buy my stuff")
            crowd = [await guest(stack, server.url, f"guest {number}") for number in range(19)]
            for number, client in enumerate(crowd):
                await client.send(ReportRequest(spam.msg_id, "It's spam", f"number {number}.", "n"))
                await client.next(ReportStatus)
            for client in crowd:
                await until_delivered(client)
    posts = [json.loads(request.body)["Report"] for request in receiver.requests]
    assert len(posts) <= 3
    assert "Reported by 19 people." in posts[-1]["Comment"]
    said = "\n".join(post["Comment"] for post in posts)
    assert all(f"number {number}." in said for number in range(19))
