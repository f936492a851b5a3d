"""Two servers deliver the reports of one room."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import httpx
import pytest

from server.ops.metrics import Metrics, Traffic
from server.reporting.deliveries import Deliveries
from server.reporting.sender import ReportSender
from server.rules.messages import Person
from server.settings import Secret, WebhookURL
from server.storage import reports
from server.storage.database import Database
from server.storage.fair import SERVER, QueueKey
from server.storage.postgres.database import PostgresDatabase
from server.storage.reports import Submission
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase
from server.webhooks.webhook_client import WebhookClient
from tests.support.database_file import until
from tests.support.postgres import SharedPostgres
from tests.support.site_answers import answer
from tests.support.stored_reports import START, TERMS, evidence

HOOK = WebhookURL("report", enabled=True, url="http://site.internal/hooks")
REPORTS = 6
HOLDERS = "SELECT DISTINCT holder FROM delivery"
Result = TypeVar("Result")


class Node:
    """A server's access to the shared database; its own clock is off by some milliseconds."""

    def __init__(self, database: Database, skew: int) -> None:
        self.database = database
        self.looks = 0
        self.waiting = asyncio.Event()
        self._skew = skew

    def __getattr__(self, name: str) -> object:
        return getattr(self.database, name)

    def now(self) -> int:
        """See Database."""
        return self.database.now() + self._skew

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        try:
            return await self.database.read(work, key)
        finally:
            self.looks += 1

    @asynccontextmanager
    async def delivering(
        self, site: Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]
    ) -> AsyncIterator[None]:
        """Deliver to a site; in the end, wait for its answers."""
        client = WebhookClient(transport=httpx.MockTransport(site))
        database, metrics = cast(Database, self), Metrics(Traffic())
        deliveries = Deliveries(
            database, ReportSender(database, HOOK, Secret("key"), client), self.waiting, None, metrics
        )
        running = asyncio.create_task(deliveries.run())
        yield
        deliveries.end()
        await running
        await deliveries.drain()
        await client.close()

    async def look_again(self) -> None:
        """Have the deliveries look for what is due, and wait until they have."""
        # In one round they read whether the webhook is suspended, and what is due.
        target = self.looks + 4

        def looked() -> bool:
            self.waiting.set()
            return self.looks >= target

        await until(looked)


@pytest.mark.parametrize("skew", [-60_000, -2, 2, 60_000])
async def test_servers_whose_clocks_differ_send_each_delivery_once(tmp_path: Path, skew: int) -> None:
    # The clock stands still, so that both claim within the same millisecond.
    database = SqliteDatabase(str(tmp_path / "room.sqlite"), clock=lambda: START)
    await _assert_sent_once(Node(database, 0), Node(database, skew))
    await database.close()


async def test_servers_on_postgresql_send_each_delivery_once(postgres: SharedPostgres) -> None:
    with postgres.schema() as url:
        one, other = PostgresDatabase(url), PostgresDatabase(url)
        await _assert_sent_once(Node(one, 0), Node(other, -60_000))
        await one.close()
        await other.close()


async def _assert_sent_once(first: Node, second: Node) -> None:
    for number in range(REPORTS):
        submission = Submission(Person("alice", f"a-{number}"), evidence(number), None, add=False)
        await first.database.write(partial(reports.submit, TERMS, submission))
    sent, answered = Counter[str](), asyncio.Event()

    async def site(request: httpx.Request) -> httpx.Response:
        sent[request.headers["webhook-id"]] += 1
        await answered.wait()
        return answer(200, b"")

    async with first.delivering(site):
        await until(lambda: len(sent) == REPORTS)
        async with second.delivering(site):
            await second.look_again()
            holders = await first.database.read(lambda connection: connection.execute(HOLDERS).fetchall())
            answered.set()
    assert len(holders) == 1
    assert [*sent.values()] == [1] * REPORTS
