"""The webhooks that are currently on. A reload replaces them; running requests finish with the old settings."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from server.ops import background
from server.ops.metrics import Metrics
from server.reporting.deliveries import Deliveries
from server.reporting.desk import ReportDesk
from server.reporting.pending_requests import PendingRequests
from server.reporting.sender import ReportSender
from server.room.hub import Hub
from server.settings import QUEUED_WEBHOOK, Secret, Settings, WebhookSecurity, WebhookURL
from server.storage import outbox
from server.storage.base import StorageError
from server.storage.database import Database
from server.storage.events import ReportChanged, ReportOpened
from server.storage.reports import Terms
from server.webhooks.profiles import Profiles
from server.webhooks.webhook_client import WebhookClient

MEASURE_SECONDS = 2.0
"""Maximum time for which a request for metrics waits for the database. Most metrics do not need it."""


class _Target(NamedTuple):
    """Everything in the settings that can decide whether a delivery succeeds."""

    hook: WebhookURL
    key: Secret
    security: WebhookSecurity


class _Generation(NamedTuple):
    """The objects created from one version of the settings."""

    reports: ReportDesk | None = None
    deliveries: Sequence[tuple[Deliveries, "asyncio.Task[None]"]] = ()
    """The deliveries of each report webhook, with the task that runs them."""
    profiles: Profiles | None = None
    clients: tuple[WebhookClient, ...] = ()


class ActiveWebhooks:
    """The site's webhooks; none before `configure`."""

    def __init__(self, database: Database, hub: Hub, metrics: Metrics) -> None:
        self._database = database
        self._hub = hub
        self._metrics = metrics
        self._current = _Generation()
        self._requests = PendingRequests()
        self._targets: dict[str, _Target] = {}
        self._draining: set[asyncio.Task[None]] = set()
        database.hear(ReportOpened, self._on_reports)
        database.hear(ReportChanged, self._on_reports)

    @property
    def reports(self) -> ReportDesk | None:
        """The desk that accepts reports; None if no report webhook is on."""
        return self._current.reports

    @property
    def profiles(self) -> Profiles | None:
        """The client that fetches profiles; None if no profile webhook is on."""
        return self._current.profiles

    def configure(self, settings: Settings, trust: ssl.SSLContext) -> None:
        """Switch to these settings; `trust` is the TLS context of the webhooks, see `outbound.trust`."""
        self._retire(_Generation())
        hooks = settings.webhooks(QUEUED_WEBHOOK)
        clients = [_new_client(settings, hook, trust) for hook in hooks]
        waiting = [asyncio.Event() for _ in hooks]
        reports = profiles = None
        if hooks:
            terms = _terms(settings, hooks)._replace(node=self._database.node)
            reports = ReportDesk(self._database, self._hub, terms, waiting, self._requests)
        deliveries = [
            # The first webhook decides the status of a report.
            self._new_deliveries(settings, hook, client, event, reports if hook is hooks[0] else None)
            for hook, client, event in zip(hooks, clients, waiting, strict=True)
        ]
        if hook := settings.webhook("profile"):
            clients.append(_new_client(settings, hook, trust))
            profiles = Profiles(clients[-1], hook, settings.admin_api_key, self._metrics)
        self._current = _Generation(
            reports=reports,
            deliveries=[(each, background.start(each.run())) for each in deliveries],
            profiles=profiles,
            clients=tuple(clients),
        )

    def _new_deliveries(
        self,
        settings: Settings,
        hook: WebhookURL,
        client: WebhookClient,
        waiting: asyncio.Event,
        reporters: ReportDesk | None,
    ) -> Deliveries:
        before, target = self._targets.get(hook.queue), _target(settings, hook)
        self._targets[hook.queue] = target
        return Deliveries(
            database=self._database,
            sender=ReportSender(self._database, hook, settings.admin_api_key, client),
            waiting=waiting,
            reporters=reporters,
            metrics=self._metrics,
            retargeted=before is not None and before != target,
        )

    def _on_reports(self, events: Sequence[ReportOpened | ReportChanged]) -> None:
        self._requests.add([event.report for event in events])
        if self._current.reports:
            self._current.reports.on_changes(events)

    async def measure(self) -> None:
        """Update the metrics of the webhooks. While the database is unavailable, those of the queues are unchanged."""
        if self._current.profiles:
            self._current.profiles.measure()
        with suppress(StorageError, TimeoutError):
            async with asyncio.timeout(MEASURE_SECONDS):
                await self._measure_queues()

    async def _measure_queues(self) -> None:
        # Including webhooks that are off now: their deliveries are still queued.
        for queue in {QUEUED_WEBHOOK, *self._targets}:
            depth = await self._database.read(partial(outbox.depth, webhook=queue))
            self._metrics.set_queue(queue, depth, self._database.now())

    async def drain(self, seconds: float) -> None:
        """Start no more requests, and wait up to `seconds` for running ones. The rest are retried after a restart."""
        self._retire(self._current._replace(deliveries=(), clients=()))
        _, late = await asyncio.wait(self._draining, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _retire(self, successor: _Generation) -> None:
        before, self._current = self._current, successor
        task = background.start(_drain(before))
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)


async def _drain(generation: _Generation) -> None:
    """Wait for the running requests of a generation, then close its connections."""
    try:
        for deliveries, _ in generation.deliveries:
            deliveries.end()
        await asyncio.gather(*(_finish(*each) for each in generation.deliveries))
        if generation.profiles:
            await generation.profiles.drain()
    finally:
        for client in generation.clients:
            await client.close()


async def _finish(deliveries: Deliveries, running: "asyncio.Task[None]") -> None:
    await running
    await deliveries.drain()


def _terms(settings: Settings, hooks: Sequence[WebhookURL]) -> Terms:
    first, *copies = hooks
    return Terms(
        first.queue,
        settings.limits.reports_per_hour,
        first.evidence,
        tuple((copy.queue, copy.evidence) for copy in copies),
    )


def _target(settings: Settings, hook: WebhookURL) -> _Target:
    return _Target(hook, settings.admin_api_key, settings.webhook_security)


def _new_client(settings: Settings, hook: WebhookURL, trust: ssl.SSLContext) -> WebhookClient:
    """Create a client. Each webhook has its own, so that it never waits for the connections of another webhook."""
    return WebhookClient(hook.secret, security=settings.webhook_security, tls=trust)
