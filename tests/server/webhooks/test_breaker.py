"""The breaker of profiles: nobody waits for a site that fails, and one request at a time probes it."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from server.ops.metrics import Metrics, Traffic
from server.rules.retries import FAILURES_TO_OPEN, OPEN_SECONDS
from server.settings import Secret, WebhookURL
from server.webhooks.profiles import Profiles
from server.webhooks.webhook_client import WebhookClient
from tests.support.site_answers import answer, answer_json

HOOK = WebhookURL("profile", url="http://site.internal:8080/hooks")


class Room:
    """Requests profiles from a site, with its answers and the time set by the test."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.status = 200
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.metrics = Metrics(Traffic())
        self.client = WebhookClient(transport=httpx.MockTransport(self._site))
        self.profiles = Profiles(self.client, HOOK, Secret("key"), self.metrics, lambda: self.now)

    async def _site(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        await self.may_answer.wait()
        if self.status == 0:
            raise httpx.ReadError("reset")
        return answer_json(200, {"StatusCode": 200, "Data": {"Headline": "Hi"}}) if self.status == 200 else answer(404)

    async def ask(self, count: int = 1) -> list[str]:
        """Request profiles of this number of new users, all before the site answers; return the errors."""
        first = self.asked * 1000
        self.may_answer.clear()
        asking = asyncio.gather(*(self.profiles.about(f"{first + each}") for each in range(count)))
        await asyncio.sleep(0.01)
        self.may_answer.set()
        return [text.error for text in await asking]

    def measured(self) -> str:
        """Return the gauge after an update."""
        self.profiles.measure()
        return self.shown()

    def shown(self) -> str:
        """Return the gauge."""
        lines = self.metrics.render().decode().split("\n")
        return next(line for line in lines if line.startswith("flagpost_webhook_breaker_open{"))


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    room = Room()
    yield room
    await room.client.close()


async def test_an_open_breaker_answers_at_once_and_allows_one_probe(room: Room) -> None:
    room.status = 0
    # More at once than open the breaker: those under way do not keep it open longer.
    await room.ask(FAILURES_TO_OPEN + 3)
    assert room.measured().endswith(" 1.0")
    (why,) = await room.ask()
    assert why == "The site did not send a profile: it has not been answering."
    assert room.asked == FAILURES_TO_OPEN + 3
    room.now += OPEN_SECONDS
    assert room.measured().endswith(" 0.0")
    assert sum("has not been answering" in why for why in await room.ask(5)) == 4
    assert room.asked == FAILURES_TO_OPEN + 4
    room.now += OPEN_SECONDS
    assert "has not been answering" in (await room.ask())[0]
    room.now += OPEN_SECONDS
    room.status = 200
    assert await room.ask() == [""]
    assert await room.ask(5) == [""] * 5


async def test_an_error_about_one_user_does_not_open_the_breaker(room: Room) -> None:
    room.status = 404
    await room.ask(FAILURES_TO_OPEN)
    room.status = 200
    assert await room.ask() == [""]
    assert room.measured().endswith(" 0.0")


async def test_users_who_leave_before_the_answer_do_not_open_the_breaker(room: Room) -> None:
    async def leave(username: str) -> None:
        asked = room.asked
        room.may_answer.clear()
        asking = asyncio.create_task(room.profiles.about(username))
        async with asyncio.timeout(10):
            while room.asked == asked:
                await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    for each in range(FAILURES_TO_OPEN):
        await leave(f"user {each}")
    assert room.measured().endswith(" 0.0")
    room.status = 0
    await room.ask(FAILURES_TO_OPEN)
    room.now += OPEN_SECONDS
    await leave("of the probe")
    # Another probe may follow.
    room.status = 200
    assert await room.ask() == [""]


async def test_a_disabled_webhook_has_no_open_breaker(room: Room) -> None:
    room.status = 0
    await room.ask(FAILURES_TO_OPEN)
    assert room.measured().endswith(" 1.0")
    await room.profiles.drain()
    assert room.shown().endswith(" 0.0")
