"""The webhooks that are on now."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from server.ops.metrics import Metrics
from server.room.hub import Hub
from server.site import ActiveWebhooks
from server.storage.database import Database

UNANSWERED = 10.0


async def test_metrics_do_not_wait_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.site.MEASURE_SECONDS", 0.0)
    silent = cast(Database, SimpleNamespace(hear=lambda *_: None, read=lambda *_: asyncio.Event().wait()))
    webhooks = ActiveWebhooks(silent, cast(Hub, None), cast(Metrics, None))
    async with asyncio.timeout(UNANSWERED):
        await webhooks.measure()
