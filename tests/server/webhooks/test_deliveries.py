"""What is claimed is sent only while it still is one's own to send."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from server.engine import outbox, overview, reports
from server.engine.clock import milliseconds, utc_now
from server.engine.database import Database
from server.engine.outbox import Attempt
from server.engine.reports import Submission
from server.metrics import Metrics, Traffic
from server.settings import Secret, WebhookURL
from server.webhooks.client import WebhookClient
from server.webhooks.deliveries import Deliveries
from tests.support.desk import ALICE, TAKEN, TERMS, evidence
from tests.support.site_answers import answer

HOOK = WebhookURL("report", enabled=True, url="http://site.internal/hooks")
Result = TypeVar("Result")
Change = Callable[[sqlite3.Connection], object]


class SlowDatabase(Database):
    """Lets something else happen between a claim and what is read then, as if the process had been stopped there."""

    meanwhile: Change | None = None

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """See Database."""
        claimed: bool = await super().read(_is_claimed)
        if claimed and (change := self.meanwhile):
            self.meanwhile = None
            await self.write(change)
        return await super().read(work)


def _is_claimed(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM delivery WHERE holder IS NOT NULL").fetchone() is not None


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SlowDatabase]:
    """With one report."""
    database = SlowDatabase(str(tmp_path / "room.sqlite"))
    submission = Submission(ALICE, evidence(), None, add=False)
    await database.write(partial(reports.submit, TERMS, submission, utc_now))
    yield database
    await database.close()


async def sent(database: SlowDatabase, meanwhile: Change | None = None, key: str = "key") -> int:
    """How many requests the site got within a while in which this happens; it answers with what it was sent."""
    database.meanwhile, got = meanwhile, asyncio.Queue[httpx.Request]()

    async def site(request: httpx.Request) -> httpx.Response:
        await got.put(request)
        return answer(200, b"<pre>" + request.content)

    client, metrics = WebhookClient(transport=httpx.MockTransport(site)), Metrics(Traffic())
    deliveries = Deliveries(database, HOOK, Secret(key), client, asyncio.Event(), lambda _: None, metrics)
    running = asyncio.create_task(deliveries.run())
    await asyncio.sleep(0.3)
    deliveries.end()
    await running
    await deliveries.drain()
    await client.close()
    return got.qsize()


def withdrawn(connection: sqlite3.Connection) -> None:
    """Its reporter takes it back."""
    (report,) = reports.latest(1, connection)
    reports.withdraw(TERMS, report.id, ALICE, utc_now, connection)


def withdrawn_with_evidence(connection: sqlite3.Connection) -> None:
    """As `withdrawn`, and the site is told, for it could have been sent already."""
    (report,) = reports.latest(1, connection)
    reports.withdraw(TERMS._replace(evidence=True), report.id, ALICE, utc_now, connection)


def delivered_by_another(connection: sqlite3.Connection) -> None:
    """Another server takes it over after the lease, and the site has it."""
    now = milliseconds(utc_now()) + outbox.LEASE_SECONDS * 1000
    (claim,) = outbox.claim(connection, "report", "another", 1, (), now)
    outbox.note(connection, claim, Attempt(now, 1, TAKEN), now, 0.0)


@pytest.mark.parametrize(
    ("meanwhile", "requests"), [(None, 1), (withdrawn, 0), (withdrawn_with_evidence, 1), (delivered_by_another, 0)]
)
async def test_what_is_not_to_be_sent_any_more_is_not_sent(
    database: SlowDatabase, meanwhile: Change | None, requests: int
) -> None:
    assert await sent(database, meanwhile) == requests


@pytest.mark.parametrize("key", ["hunter2-hunter2", "x" * 2000], ids=["short", "longer than what is kept"])
async def test_a_site_that_answers_with_what_it_was_sent_does_not_put_the_key_on_disk(
    database: SlowDatabase, key: str
) -> None:
    assert await sent(database, key=key) == 1
    (answered,) = (attempt.answer for attempt in await database.read(_attempts))
    assert answered.startswith('<pre>{"Action":"report","APIKey":"...","Report":{')
    assert key[:20] not in answered


def _attempts(connection: sqlite3.Connection) -> list[overview.Attempted]:
    (found,) = overview.deliveries(connection, 1)
    return overview.attempts(connection, found.id)
