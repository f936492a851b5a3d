"""Composition root: the only place that picks implementations and connects them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from urllib.parse import urljoin, urlsplit

from async_lru import alru_cache

from server.handlers import elsewhere
from server.handlers.dispatch import Dispatcher
from server.handlers.live import Live
from server.handlers.table import HANDLERS
from server.http.gateway import http_app, metrics_app, serve
from server.http.health import Health
from server.http.listening import Listener
from server.ops import background, logs, message_log, process, reload, tls
from server.ops.message_log import MessageLog
from server.ops.metrics import Metrics, Traffic
from server.ops.watchdog import LoopWatchdog
from server.pacing.limiter import Limiter
from server.protocol.frames import ChannelEntry, DirectMessages, Limits, Webhooks, Welcome
from server.protocol.version import VERSION
from server.room.hub import Hub
from server.room.presence import Attendance
from server.room.shared_presence import SharedAttendance
from server.rules import hosts
from server.rules.evidence import reason_list
from server.rules.filters import Filter, phrases
from server.rules.link_spam import LinkLimits
from server.settings import QUEUED_WEBHOOK, MessageFilter, Settings, renewed
from server.settings.database_url import is_url
from server.settings.digests import digests
from server.site import ActiveWebhooks
from server.storage import retention
from server.storage.base import StorageError
from server.storage.database import Database, Life
from server.storage.direct_broker import DirectBroker
from server.storage.disk import Disk
from server.storage.opening import open_database
from server.storage.people import People
from server.storage.retention import KeptDays
from server.storage.sql import SqlConnection
from server.webhooks import outbound
from server.websocket.connection import ConnectionPolicy

SWEEP_SECONDS = 3600.0
SAMPLE_SECONDS = 1.0
ANSWER_SECONDS = 2.0
"""Time after SIGTERM to answer requests already received; then connections close, see `gateway.CLOSE_SECONDS`."""
DELIVERY_SECONDS = 8.5
"""Time after SIGTERM to finish attempts to reach the site."""

log = logging.getLogger(__name__)


async def run(
    settings: Settings,
    listener: Listener,
    read: reload.Read | None = None,
    opened: Callable[[], None] | None = None,
) -> None:
    """Serve the room until a signal ends the process. SIGHUP reloads the settings with `read`.

    `opened` is called once the database is open. Raises StorageError if the database is unusable, and SettingsError if
    the directory of the message logs is.
    """
    message_log.prepare(settings.logging)
    traffic = Traffic()
    metrics = Metrics(traffic)
    watchdog = LoopWatchdog(metrics.observe_loop_delay)
    database = open_database(settings.database, metrics.observe_commit)
    metrics.watch_node(database.health)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        people = People(database)
        running = _Running(
            settings, listener=listener, database=database, people=people, metrics=metrics, traffic=traffic
        )
        stack.callback(running.message_log.close)
        dispatcher = running.dispatcher
        # All listeners are registered by now: none misses what other servers commit meanwhile.
        await people.load()
        await dispatcher.presence.open(digests(settings))
        running.log_event("serving", {"address": listener.websocket_url, "version": VERSION})
        if opened:
            opened()
        running.obey(read)
        works = watchdog.run(), _sample(running, database, metrics), _sweep(running, database)
        background_tasks = [background.start(work) for work in works]
        health, measure = Health(dispatcher, database, watchdog), running.measuring(metrics)
        apps = http_app(dispatcher, health, measure), metrics_app(dispatcher, health, measure)
        await serve(*apps, listener, running.drain)
        for task in background_tasks:
            task.cancel()
        await running.finish_deliveries()


class _Running:
    """The parts of a running server, and the settings that apply to them."""

    def __init__(
        self,
        settings: Settings,
        *,
        listener: Listener,
        database: Database,
        people: People,
        metrics: Metrics,
        traffic: Traffic,
    ) -> None:
        self.settings = settings
        self._listener = listener
        self._database = database
        self._delivering: asyncio.Task[None] | None = None
        hub = Hub(people.relations, traffic)
        presence = SharedAttendance(database, people, hub) if database.node else Attendance(people)
        people.reservations.configure(settings.names.reserved_days, members=settings.jwt.enabled)
        self.webhooks = ActiveWebhooks(database, hub, metrics)
        self.webhooks.configure(settings, outbound.trust(settings.webhook_security))
        logs.configure(settings.log)
        self.message_log = MessageLog()
        self.message_log.configure(settings.logging)
        self.dispatcher = Dispatcher(
            handlers=HANDLERS,
            live=self._live(),
            broker=DirectBroker(database),
            people=people,
            hub=hub,
            presence=presence,
            limiter=Limiter(settings.limits),
        )
        self.dispatcher.broker.subscribe(self.message_log.on_news)
        database.lost = self.dispatcher.fence
        elsewhere.listen(database, self.dispatcher)

    def obey(self, read: reload.Read | None) -> None:
        """Let operators and signals end the server, and reload its settings with `read`."""
        self.dispatcher.shut_down = process.shut_down
        if read:
            reload.reload_on_sighup(read, self.reload)
            self.dispatcher.reconfigure = partial(reload.reload, read, self.reload)

    def measuring(self, metrics: Metrics) -> Callable[[], Awaitable[bytes]]:
        """Return a function that returns the metrics, at most SAMPLE_SECONDS old."""

        @alru_cache(maxsize=1, ttl=SAMPLE_SECONDS)
        async def measure() -> bytes:
            metrics.set_sessions(len(self.dispatcher.hub.sessions))
            await self.webhooks.measure()
            return metrics.render()

        return measure

    def reload(self, fresh: Settings) -> list[str]:
        """Apply new settings, see `ops.reload.Apply`."""
        settings, waiting = renewed(self.settings, fresh)
        # These steps can fail, so they come before any change.
        trust = outbound.trust(settings.webhook_security)
        message_log.prepare(settings.logging)
        if self._listener.certificates:
            self._listener.certificates.replace(tls.load_context(settings.tls))
        self.settings = settings
        self.webhooks.configure(settings, trust)
        logs.configure(settings.log)
        self.message_log.configure(settings.logging)
        self.dispatcher.limiter.configure(settings.limits)
        self.dispatcher.people.reservations.configure(settings.names.reserved_days, members=settings.jwt.enabled)
        self.dispatcher.go_live(self._live())
        self.dispatcher.presence.set_settings(digests(settings))
        if warning := self._listener.plaintext_warning(settings.limits.trusted_proxies):
            log.warning("traffic is unencrypted", extra={"warning": warning})
        return waiting

    def _live(self) -> Live:
        """Build the values that handlers and connections see, from the current settings."""
        settings = self.settings
        pages = [settings.website_url, *settings.allowed_origins]
        names = [*(address.host for address in self._listener.addresses), *settings.allowed_hosts]
        return Live(
            welcome=_welcome(settings, self._database.life),
            channels=settings.public_channels,
            policy=ConnectionPolicy(
                allowed_origins=settings.allowed_origins,
                allowed_hosts=hosts.known(pages, names),
                compression=settings.compression,
            ),
            site_keys=settings.admin_api_key,
            reports=self.webhooks.reports,
            profiles=self.webhooks.profiles,
            sign_in=settings.jwt,
            encrypted=bool(self._listener.certificates or settings.limits.trusted_proxies),
            cors_hosts=[host.rstrip("/") for host in settings.cors_hosts],
            vip_secret=settings.vip.mutually_secret,
            blockable_operators=settings.blockable_admins,
            dm_context=any(hook.dm_context for hook in settings.webhooks(QUEUED_WEBHOOK)),
            keeps_direct=settings.direct_message_history.enabled,
            link_limits=_link_limits(settings),
            link_ban_hours=settings.dm_link_spam_protection.ban_hours,
            filters=[_filter(each) for each in settings.message_filters if each.enabled],
        )

    async def drain(self) -> None:
        """Accept no more requests; store and answer those already received, within a time limit."""
        self.log_event("ending", {"signal": process.shutdown_signal()})
        # Run in parallel, so that a slow site does not add to the time.
        self._delivering = background.start(self.webhooks.drain(DELIVERY_SECONDS))
        with suppress(TimeoutError, StorageError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.dispatcher.drain()
                # Writes are ordered: once this one is done, all earlier ones have been answered.
                await self._database.write(lambda _: None)

    def log_event(self, event: str, fields: dict[str, str]) -> None:
        """Log an event of the process, for programs; people see a line on standard output instead."""
        if self.settings.log.format == "json":
            log.info(event, extra=fields)

    async def finish_deliveries(self) -> None:
        """Wait for attempts to reach the site that were running at `drain`."""
        if self._delivering:
            await self._delivering


async def _sample(running: _Running, database: Database, metrics: Metrics) -> None:
    """Periodically measure what would be too expensive to measure for each message."""
    dispatcher, place = running.dispatcher, running.settings.database
    # The disk of a database server is that server's concern.
    disk = None if is_url(place) else Disk(place)
    while True:
        metrics.set_max_unsent(dispatcher.hub.max_unsent())
        dispatcher.watch_beats(database.health())
        dispatcher.disk_low = disk is not None and disk.is_low(running.settings.limits.free_megabytes)
        await asyncio.sleep(SAMPLE_SECONDS)


async def _sweep(running: _Running, database: Database) -> None:
    """Periodically delete data whose retention time is over."""

    def sweep(connection: SqlConnection) -> bool:
        settings = running.settings
        days = KeptDays(
            evidence=settings.evidence_days,
            delivery_log=settings.delivery_log_days,
            messages=settings.message_days,
            reports=settings.report_days,
            names=settings.names.reserved_days,
            direct=settings.direct_message_history.retention_days,
            keeps_direct=settings.direct_message_history.enabled,
        )
        return retention.sweep(connection, connection.now, days)

    while True:
        with suppress(StorageError):
            while await database.write(sweep):
                pass
        running.dispatcher.people.expire_names()
        await asyncio.sleep(SWEEP_SECONDS)


def _link_limits(settings: Settings) -> LinkLimits | None:
    chosen = settings.dm_link_spam_protection
    own_site = urlsplit(settings.website_url).hostname or ""
    return LinkLimits(chosen.max_threads, chosen.time_limit, own_site) if chosen.enabled else None


def _filter(chosen: MessageFilter) -> Filter:
    return Filter(
        phrases=phrases(chosen.keyword_phrases),
        public=chosen.public_channels,
        private=chosen.private_channels,
        censor=chosen.censor_message,
        forward=chosen.forward_message,
        report=chosen.report_message,
        response=chosen.chat_server_response,
    )


def _welcome(settings: Settings, life: Life) -> Welcome:
    reports = settings.webhooks(QUEUED_WEBHOOK)
    return Welcome(
        epoch=life.epoch,
        title=settings.title,
        channels=[ChannelEntry(channel.id, channel.name) for channel in settings.public_channels if not channel.vip],
        webhooks=Webhooks(
            report=bool(reports),
            profile=settings.webhook("profile") is not None,
            evidence=any(hook.evidence for hook in reports),
        ),
        report_reasons=reason_list(settings.report_reasons),
        limits=Limits(settings.limits.frame_bytes),
        website=settings.website_url,
        direct_messages=DirectMessages(
            kept=settings.direct_message_history.enabled,
            days=settings.direct_message_history.retention_days,
            disclaimer=settings.direct_message_history.disclaimer_message,
        ),
        sign_in=settings.jwt.sign_in,
        landing_page=urljoin(settings.website_url, settings.jwt.landing_page_url) if settings.jwt.enabled else "",
        server=life.server,
    )
