"""The webhooks that are enabled, during an outage and a reload."""

import asyncio
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from server.ops.metrics import Metrics, Traffic
from server.protocol.codes import ReportState
from server.reporting.desk import ReportDesk
from server.room.hub import Hub
from server.rules.relations import RelationIndex
from server.settings import Settings, WebhookURL
from server.site import ActiveWebhooks
from server.storage import webhook_state
from server.storage.base import Reader
from server.storage.database import Database
from server.storage.reports import Submission
from server.webhooks import outbound
from tests.support.slow_database import SlowDatabase
from tests.support.stored_reports import ALICE, evidence

UNANSWERED = 10.0


async def test_metrics_do_not_wait_for_an_unavailable_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.site.MEASURE_SECONDS", 0.0)
    silent = cast(Database, SimpleNamespace(hear=lambda *_: None, read=lambda *_: asyncio.Event().wait()))
    webhooks = ActiveWebhooks(silent, cast(Hub, None), cast(Metrics, None))
    async with asyncio.timeout(UNANSWERED):
        await webhooks.measure()


async def test_a_list_that_is_read_during_a_reload_is_not_older_than_a_notification(tmp_path: Path) -> None:
    database = SlowDatabase(str(tmp_path / "room.sqlite"))
    await database.write(partial(webhook_state.pause, webhook="report", why="for the test"))
    webhooks = ActiveWebhooks(database, Hub(RelationIndex(), Traffic()), Metrics(Traffic()))
    settings = Settings(webhook_urls=(WebhookURL("report", enabled=True, url="http://127.0.0.1:9/"),))
    trust = outbound.trust(settings.webhook_security)

    def desk() -> ReportDesk:
        webhooks.configure(settings, trust)
        assert webhooks.reports
        return webhooks.reports

    before = desk()
    report = await before.submit(Submission(ALICE, evidence(7, ALICE.name), None, add=False))

    async def reload() -> None:
        await desk().site_said(report.report_id, ReportState.SEEN, "")

    database.meanwhile = reload
    (entry,) = (await before.sent_by(Reader(ALICE, ["lobby", "tea"]))).reports
    assert entry.status == ReportState.SEEN
    await webhooks.drain(UNANSWERED)
    await database.close()
