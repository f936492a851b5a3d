"""One attempt to deliver a report: only status 200 counts, and everything else is said in plain words."""

from datetime import UTC, datetime

import httpx
import pytest

from server.rules.reports import Evidence
from server.settings import Secret
from server.webhooks.client import WebhookClient
from server.webhooks.payloads import report_body
from server.webhooks.reports import Reports
from tests.support.site_answers import answer

URL = "http://site.internal:8080/hooks"
KEY = Secret("hunter2-hunter2")
AT = datetime(2026, 11, 24, 2, 57, tzinfo=UTC)
SPAM = Evidence("alice", "bob", "lobby", AT, "It's spam", "buy my stuff", "please look")


async def deliver(transport: httpx.AsyncBaseTransport) -> str:
    """Deliver one report over this transport."""
    client = WebhookClient(transport)
    try:
        return await Reports(client, URL, KEY).deliver("r-1", SPAM)
    finally:
        await client.close()


async def test_the_site_gets_the_body_of_the_contract() -> None:
    seen: list[tuple[str, bytes]] = []

    def site(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url), request.content))
        return answer(200)

    assert not await deliver(httpx.MockTransport(site))
    assert seen == [(URL, report_body(KEY, SPAM))]


@pytest.mark.parametrize("body", [b"", b"OK", b'{"StatusCode":500}', b"x" * 70_000])
async def test_status_200_is_success_whatever_the_body(body: bytes) -> None:
    assert not await deliver(httpx.MockTransport(lambda _: answer(200, body)))


@pytest.mark.parametrize("status", [201, 202, 204, 302, 400, 401, 404, 500, 503])
async def test_any_other_status_is_a_failure_that_names_it(status: int) -> None:
    failure = await deliver(httpx.MockTransport(lambda _: answer(status, b"Traceback: at /srv/app")))
    assert failure == f"it answered with status {status}"


async def test_a_site_that_is_not_there_is_told_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection to site.internal:8080 refused")

    assert await deliver(httpx.MockTransport(refuse)) == "it cannot be reached"
    assert "r-1" in caplog.text
    assert KEY.reveal() not in caplog.text
