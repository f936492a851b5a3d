"""Composition root: the only place that picks implementations and joins them."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress

from server.engine import retention
from server.engine.base import StorageError
from server.engine.clock import milliseconds, utc_now
from server.engine.company import Company
from server.engine.database import Database
from server.engine.local import LocalBroker
from server.engine.reports import Terms
from server.gateway import Listener, http_app, serve
from server.handlers import HANDLERS
from server.hub import Hub
from server.limiter import Limiter
from server.metrics import Metrics
from server.protocol.frames import ChannelEntry, Limits, Webhooks, Welcome
from server.room import Room
from server.rules.reports import reason_list
from server.settings import Settings, WebhookURL
from server.webhooks.client import WebhookClient
from server.webhooks.deliveries import Deliveries
from server.webhooks.profiles import Profiles
from server.webhooks.reports import Reports

SWEEP_SECONDS = 3600.0

log = logging.getLogger(__name__)


async def run(settings: Settings, listener: Listener) -> None:
    """Serve the room until the process is told to end; StorageError if the database cannot be used."""
    database = Database(settings.database)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        metrics = Metrics()
        room, deliveries = _room(settings, database, metrics, stack)
        await room.company.load()
        background = [_background(_sweep(settings, database))]
        if deliveries:
            background.append(_background(deliveries.run()))

        async def measure() -> bytes:
            with suppress(StorageError):
                if deliveries:
                    await deliveries.measure()
            return metrics.render()

        await serve(http_app(room, settings.admin_api_key, measure), listener)
        await room.drain()
        for task in background:
            task.cancel()
        if deliveries:
            await deliveries.drain()


def _room(
    settings: Settings, database: Database, metrics: Metrics, stack: AsyncExitStack
) -> tuple[Room, Deliveries | None]:
    broker, company, key = LocalBroker(database), Company(database), settings.admin_api_key
    hub = Hub(company.relations)
    reports = profiles = deliveries = None
    if hook := settings.webhook("report"):
        waiting = asyncio.Event()
        reports = Reports(database, hub, Terms(hook.name, settings.limits.reports_per_hour, hook.evidence), waiting)
        client = _client(settings, hook, stack)
        deliveries = Deliveries(database, hook, key, client, waiting, reports.tell, metrics)
    if hook := settings.webhook("profile"):
        profiles = Profiles(_client(settings, hook, stack), hook.url, key, metrics)
    room = Room(
        handlers=HANDLERS,
        welcome=_welcome(settings, broker.epoch),
        channels=settings.public_channels,
        allowed_origins=settings.allowed_origins,
        broker=broker,
        company=company,
        hub=hub,
        limiter=Limiter(settings.limits),
        reports=reports,
        profiles=profiles,
    )
    return room, deliveries


def _client(settings: Settings, hook: WebhookURL, stack: AsyncExitStack) -> WebhookClient:
    """One for each webhook, so that none waits for the connections of another."""
    client = WebhookClient(hook.secret, block_private=settings.webhook_security.block_private)
    stack.push_async_callback(client.close)
    return client


def _background(work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    task = asyncio.create_task(work)
    task.add_done_callback(_log_fault)
    return task


def _log_fault(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("a part of the server has stopped; restart it", exc_info=error)


async def _sweep(settings: Settings, database: Database) -> None:
    """Let go of what need not be kept any more, now and then."""
    days = settings.evidence_days, settings.delivery_log_days
    while True:
        with suppress(StorageError):
            while await database.write(lambda connection: retention.sweep(connection, milliseconds(utc_now()), *days)):
                pass
        await asyncio.sleep(SWEEP_SECONDS)


def _welcome(settings: Settings, epoch: str) -> Welcome:
    report = settings.webhook("report")
    return Welcome(
        epoch,
        settings.title,
        [ChannelEntry(channel.id, channel.name) for channel in settings.public_channels],
        Webhooks(
            report=report is not None,
            profile=settings.webhook("profile") is not None,
            evidence=report is not None and report.evidence,
        ),
        reason_list(settings.report_reasons),
        Limits(settings.limits.frame_bytes),
        settings.website_url,
    )
