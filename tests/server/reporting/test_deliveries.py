"""A claimed delivery is sent only while its lease is valid."""

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec
import pytest

from server.ops.metrics import Metrics, Traffic
from server.reporting.deliveries import Deliveries
from server.reporting.sender import ReportSender
from server.rules.messages import Person
from server.settings import Secret, SigningSecret, SigningSecrets, WebhookURL
from server.storage import leases, outbox, overview, report_rows, reports, webhook_state
from server.storage.base import StorageError
from server.storage.fair import SERVER, QueueKey
from server.storage.outbox import Attempt
from server.storage.reports import Submission
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase
from server.webhooks.rendering import Renderer, html_in_process, html_or_text
from server.webhooks.webhook_client import WebhookClient
from tests.support.site_answers import answer
from tests.support.stored_reports import ACCEPTED, ALICE, TERMS, evidence

HOOK = WebhookURL("report", enabled=True, url="http://site.internal/hooks")
KEY = Secret("key")
Result = TypeVar("Result")
Change = Callable[[SqlConnection], object]


class SlowDatabase(SqliteDatabase):
    """A database on which something else happens between a claim and the next read, like after a long pause."""

    meanwhile: Change | None = None

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        claimed: bool = await super().read(_is_claimed)
        if claimed and (change := self.meanwhile):
            self.meanwhile = None
            await self.write(change)
        return await super().read(work, key)


def _is_claimed(connection: SqlConnection) -> bool:
    return connection.execute("SELECT 1 FROM delivery WHERE holder IS NOT NULL").fetchone() is not None


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SlowDatabase]:
    """Return a database with one report."""
    database = SlowDatabase(str(tmp_path / "room.sqlite"))
    submission = Submission(ALICE, evidence(), None, add=False)
    await database.write(partial(reports.submit, TERMS, submission))
    yield database
    await database.close()


class Nobody:
    """Reporters who are away."""

    async def notify_waiting(self) -> None:
        """See Reporters."""

    async def notify_missed(self) -> None:
        """See Reporters."""


async def sent(
    database: SlowDatabase,
    meanwhile: Change | None = None,
    key: Secret = KEY,
    status: int = 200,
    hook: WebhookURL = HOOK,
) -> int:
    """Return the number of requests to the site while this happens; it answers with what it received."""
    database.meanwhile, got = meanwhile, asyncio.Queue[httpx.Request]()

    async def site(request: httpx.Request) -> httpx.Response:
        await got.put(request)
        return answer(status, b"<pre>" + request.content)

    client, metrics = WebhookClient(transport=httpx.MockTransport(site)), Metrics(Traffic())
    deliveries = Deliveries(database, ReportSender(database, hook, key, client), asyncio.Event(), Nobody(), metrics)
    running = asyncio.create_task(deliveries.run())
    await asyncio.sleep(0.3)
    deliveries.end()
    await running
    await deliveries.drain()
    await client.close()
    return got.qsize()


def withdrawn(connection: SqlConnection) -> None:
    """Withdraw the report as its reporter."""
    (report_id,) = report_rows.latest(1, connection)
    reports.withdraw(TERMS._replace(evidence=False), report_id, ALICE, connection)


def withdrawn_with_evidence(connection: SqlConnection) -> None:
    """Withdraw the report, and notify the site, because it may have the report."""
    (report_id,) = report_rows.latest(1, connection)
    reports.withdraw(TERMS, report_id, ALICE, connection)


def delivered_by_another(connection: SqlConnection) -> None:
    """Claim the delivery as another server after the lease, and deliver it."""
    connection.now += leases.LEASE_SECONDS * 1000
    (claim,) = leases.claim(connection, "report", "another", 1, ())
    outbox.record_attempt(connection, claim, Attempt(connection.now, 1, ACCEPTED), 0.0)


def taken_over_by_another(connection: SqlConnection) -> None:
    """Claim the delivery as another server after the lease, and keep sending it."""
    connection.execute("UPDATE delivery SET leased_until = ?", (connection.now,))
    assert leases.claim(connection, "report", "another", 1, ())


@pytest.mark.parametrize(
    ("meanwhile", "requests"),
    [
        (None, 1),
        (withdrawn, 0),
        (withdrawn_with_evidence, 1),
        (delivered_by_another, 0),
        (taken_over_by_another, 0),
    ],
)
async def test_a_cancelled_delivery_is_not_sent(
    database: SlowDatabase, meanwhile: Change | None, requests: int
) -> None:
    assert await sent(database, meanwhile) == requests


class EndingDatabase(SlowDatabase):
    """A database during whose first read deliveries end."""

    deliveries: Deliveries | None = None

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        if self.deliveries:
            self.deliveries.end()
        return await super().read(work, key)


async def test_no_attempt_starts_after_deliveries_have_ended(tmp_path: Path) -> None:
    database = EndingDatabase(str(tmp_path / "room.sqlite"))
    await database.write(partial(reports.submit, TERMS, Submission(ALICE, evidence(), None, add=False)))
    client = WebhookClient(transport=httpx.MockTransport(lambda _: answer(200)))
    sender, metrics = ReportSender(database, HOOK, KEY, client), Metrics(Traffic())
    database.deliveries = Deliveries(database, sender, asyncio.Event(), Nobody(), metrics)
    await database.deliveries.run()
    await database.deliveries.drain()
    assert await database.read(_is_claimed) is False
    assert await database.read(lambda connection: outbox.depth(connection, "report").waiting) == 1
    await client.close()
    await database.close()


@pytest.mark.parametrize(
    "key", ["hunter2-hunter2", "x" * 2000, 'hunter2&<>"\\2'], ids=["short", "longer than the stored excerpt", "escaped"]
)
async def test_a_site_that_echoes_the_key_does_not_put_it_on_disk(database: SlowDatabase, key: str) -> None:
    assert await sent(database, key=Secret(key)) == 1
    (answered,) = (attempt.answer for attempt in await database.read(_attempts))
    assert answered.startswith('<pre>{"Action":"report","APIKey":"...","Report":{')
    assert key[:20] not in answered


async def test_a_database_that_is_unavailable_is_logged_once(
    database: SlowDatabase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts, client = 0, WebhookClient()
    deliveries = Deliveries(
        database, ReportSender(database, HOOK, KEY, client), asyncio.Event(), Nobody(), Metrics(Traffic())
    )

    async def away() -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 5:
            deliveries.end()
        raise StorageError("it does not answer")

    monkeypatch.setattr("server.reporting.deliveries.STORAGE_SECONDS", 0.0)
    monkeypatch.setattr(deliveries, "_start_due", away)
    await deliveries.run()
    await client.close()
    assert attempts == 5
    assert [each.message for each in caplog.records] == ["the outbox cannot be read or written"]


class BrokenReporters:
    """Reporters whose notification is defective."""

    async def notify_waiting(self) -> None:
        """See Reporters."""

    async def notify_missed(self) -> None:
        """See Reporters."""
        raise ValueError("a defect")


async def test_reports_are_delivered_although_notifying_reporters_fails(
    database: SlowDatabase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("server.reporting.deliveries.STORAGE_SECONDS", 0.01)
    got = asyncio.Queue[httpx.Request]()

    async def site(request: httpx.Request) -> httpx.Response:
        await got.put(request)
        return answer(200)

    client, metrics = WebhookClient(transport=httpx.MockTransport(site)), Metrics(Traffic())
    sender = ReportSender(database, HOOK, KEY, client)
    deliveries = Deliveries(database, sender, asyncio.Event(), BrokenReporters(), metrics)
    running = asyncio.create_task(deliveries.run())
    async with asyncio.timeout(30):
        await got.get()
        await database.write(partial(reports.submit, TERMS, Submission(ALICE, evidence(8), None, add=False)))
        await got.get()
    deliveries.end()
    await running
    await deliveries.drain()
    await client.close()
    assert [bool(each.exc_info) for each in caplog.records] == [True]


def unreadable(connection: SqlConnection) -> None:
    """Damage the trail."""
    connection.execute("UPDATE trail SET content = '{'")


async def test_a_damaged_row_is_retried_and_does_not_count_against_the_site(
    database: SlowDatabase,
) -> None:
    """Otherwise it would be claimed again and again, and be the only probe of an open breaker."""
    await database.write(unreadable)
    assert await sent(database) == 0
    (attempt,) = await database.read(_attempts)
    assert "cannot be read" in attempt.error
    assert await database.read(lambda connection: webhook_state.read(connection, "report").failures) == 0
    rows = await database.read(
        lambda connection: connection.execute("SELECT attempts, holder FROM delivery").fetchall()
    )
    assert rows == [(1, None)]


class WatchedKey(Secret):
    """A secret that records the thread in which it was revealed."""

    thread = 0

    def reveal(self) -> str:
        """See Secret."""
        self.thread = threading.get_ident()
        return super().reveal()


async def test_a_body_is_encoded_outside_the_event_loop(database: SlowDatabase) -> None:
    """Some Markdown takes seconds to render."""
    key = WatchedKey("key")
    assert await sent(database, key=key) == 1
    assert key.thread not in {0, threading.get_ident()}


POISONED = "www.xn--" * 30 + " *now*"
"""A message in which a regular expression would search for links forever."""
HANG = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.mark.parametrize(
    ("render", "html"),
    [
        (html_or_text, "<em>now</em>"),
        (partial(html_or_text, render=partial(html_in_process, command=HANG), seconds=0.5), "*now*"),
        (partial(html_or_text, render=partial(html_in_process, command=("/nowhere/python",))), "*now*"),
    ],
    ids=["html", "a process that hangs", "a process that cannot start"],
)
async def test_reports_are_delivered_even_if_rendering_fails(
    database: SlowDatabase, render: Renderer, html: str
) -> None:
    """Otherwise a row that cannot be rendered would block the server at each start."""
    reported = msgspec.structs.replace(evidence(8), message=POISONED)
    await database.write(partial(reports.submit, TERMS, Submission(ALICE, reported, None, add=False)))
    got = asyncio.Queue[httpx.Request]()

    async def site(request: httpx.Request) -> httpx.Response:
        await got.put(request)
        return answer(200, b"")

    hook = msgspec.structs.replace(HOOK, message_format="html")
    client, metrics = WebhookClient(transport=httpx.MockTransport(site)), Metrics(Traffic())
    sender = ReportSender(database, hook, KEY, client, render)
    deliveries = Deliveries(database, sender, asyncio.Event(), Nobody(), metrics)
    running = asyncio.create_task(deliveries.run())
    async with asyncio.timeout(30):
        requests = [await got.get(), await got.get()]
    deliveries.end()
    await running
    await deliveries.drain()
    await client.close()
    messages = {json.loads(request.content)["Report"]["Message"] for request in requests}
    assert messages == {"<p>message 7</p>", f"<p>{'www.xn--' * 30} {html}</p>"}
    depth = await database.read(lambda connection: outbox.depth(connection, "report"))
    assert depth.waiting == 0


async def test_a_report_withdrawn_while_its_post_is_encoded_is_left_out(database: SlowDatabase) -> None:
    """It is carried by the delivery of another report of the same message."""
    got = asyncio.Queue[httpx.Request]()
    reporters = [Person(f"guest {number}", f"g-{number}") for number in range(3)]
    for each in reporters:
        submission = Submission(each, evidence(reporter=each.name), None, add=False)
        found = await database.write(partial(reports.submit, TERMS, submission))
    latest = [found]
    await database.write(lambda connection: connection.execute("UPDATE delivery SET due = 0"))

    async def site(request: httpx.Request) -> httpx.Response:
        await got.put(request)
        return answer(200)

    async def render(texts: Sequence[str]) -> Sequence[str]:
        # Rendering may be slow: the last of the reporters withdraws meanwhile.
        if latest:
            terms = TERMS._replace(evidence=False)
            await database.write(partial(reports.withdraw, terms, latest.pop().id, reporters[-1]))
        return texts

    hook = msgspec.structs.replace(HOOK, message_format="html", evidence=True)
    client, metrics = WebhookClient(transport=httpx.MockTransport(site)), Metrics(Traffic())
    sender = ReportSender(database, hook, KEY, client, render)
    deliveries = Deliveries(database, sender, asyncio.Event(), Nobody(), metrics)
    running = asyncio.create_task(deliveries.run())
    async with asyncio.timeout(30):
        report = json.loads((await got.get()).content)["Report"]
    deliveries.end()
    await running
    await deliveries.drain()
    await client.close()
    assert [each["FromUsername"] for each in report["AlsoReported"]] == ["guest 0", "guest 1"]
    assert report["Reporters"] == 3


@pytest.mark.parametrize("signed", [True, False])
async def test_204_means_delivered_only_for_a_signed_request(database: SlowDatabase, signed: bool) -> None:
    secret = SigningSecrets([SigningSecret("whsec_" + "c2Vj" * 8)] if signed else [])
    assert await sent(database, status=204, hook=msgspec.structs.replace(HOOK, secret=secret)) == 1
    (state,) = await database.read(lambda connection: connection.execute("SELECT state FROM delivery").fetchone())
    assert state == ("delivered" if signed else "waiting")
    (attempt,) = await database.read(_attempts)
    assert ("204 is not 200" in attempt.error) != signed


async def test_a_410_is_logged(database: SlowDatabase, caplog: pytest.LogCaptureFixture) -> None:
    assert await sent(database, status=410) == 1
    (record,) = (each for each in caplog.records if each.levelname == "ERROR")
    assert "410" in record.message
    assert record.__dict__["resume"] == "flagpost-server webhook resume report"


def _attempts(connection: SqlConnection) -> list[overview.RecordedAttempt]:
    (found,) = overview.deliveries(connection, 1)
    return overview.attempts(connection, found.id)
