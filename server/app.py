"""Composition root: the only place that picks implementations and connects them."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial

from async_lru import alru_cache

from server.handlers import elsewhere, isolation
from server.handlers.dispatch import Dispatcher
from server.handlers.live import Live
from server.handlers.table import HANDLERS
from server.http.gateway import http_app, metrics_app, serve
from server.http.health import Health
from server.http.listening import Listener
from server.live_values import live_values
from server.ops import background, logs, message_log, process, reload, tls
from server.ops.message_log import MessageLog
from server.ops.metrics import Metrics, Traffic
from server.ops.watchdog import LoopWatchdog
from server.pacing.limiter import Limiter
from server.protocol.version import VERSION
from server.room.hub import Hub
from server.room.presence import Attendance
from server.room.shared_presence import SharedAttendance
from server.settings import Settings, SettingsError, renewed
from server.settings.database_url import is_url
from server.settings.digests import digests
from server.site import ActiveWebhooks
from server.storage import retention
from server.storage.base import StorageError
from server.storage.database import Database
from server.storage.direct_broker import DirectBroker
from server.storage.disk import Disk
from server.storage.opening import open_database
from server.storage.people import People
from server.storage.retention import KeptDays
from server.storage.sql import SqlConnection
from server.webhooks import outbound

SWEEP_SECONDS = 3600.0
SAMPLE_SECONDS = 1.0
ANSWER_SECONDS = 2.0
"""Time after SIGTERM to answer requests already received; then connections close, see `gateway.CLOSE_SECONDS`."""
DELIVERY_SECONDS = 8.5
"""Time after SIGTERM for running requests to the site to finish."""

log = logging.getLogger(__name__)


async def run(
    settings: Settings,
    listener: Listener,
    read: reload.Read | None = None,
    opened: Callable[[], None] | None = None,
) -> None:
    """Serve the room until a signal ends the process. SIGHUP reloads the settings with `read`.

    `opened` is called once the server listens. Raises StorageError if the database cannot be used, SettingsError if the
    directory of the message logs cannot be used, and ListenError if another server listens on the address by then.
    """
    message_log.prepare(settings.logging)
    metrics = Metrics(Traffic())
    watchdog = LoopWatchdog(metrics.observe_loop_delay)
    database = open_database(settings.database, metrics.observe_commit)
    metrics.watch_node(database.health)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        people = People(database)
        running = _Running(settings, listener=listener, database=database, people=people, metrics=metrics)
        stack.callback(running.message_log.close)
        # Even if the start fails: the results of requests to the site that are running have to be stored.
        stack.push_async_callback(running.finish_deliveries)
        if read:
            running.dispatcher.reconfigure = reload.record_early_request
        if not await running.load():
            return
        listener.start()
        running.log_event("serving", {"address": listener.websocket_url, "version": VERSION})
        if opened:
            opened()
        running.install_controls(read)
        await _serve(running, watchdog)


async def _serve(running: "_Running", watchdog: LoopWatchdog) -> None:
    """Serve and do background work until a signal arrives. Return once the connections have closed."""
    sample, sweep = background.repeat(running.sample, SAMPLE_SECONDS), background.repeat(running.sweep, SWEEP_SECONDS)
    tasks = [background.start(work) for work in (watchdog.run(), sample, sweep)]
    dispatcher, measure = running.dispatcher, running.measuring()
    health = Health(dispatcher, running.database, watchdog)
    apps = http_app(dispatcher, health, measure), metrics_app(dispatcher, health, measure)
    await serve(*apps, running.listener, running.drain)
    for task in tasks:
        task.cancel()


class _Running:
    """The parts of a running server, and the settings that apply to them."""

    def __init__(
        self, settings: Settings, *, listener: Listener, database: Database, people: People, metrics: Metrics
    ) -> None:
        self.listener = listener
        self.database = database
        self.metrics = metrics
        # A database server watches its own disk.
        self._disk = None if is_url(settings.database) else Disk(settings.database)
        self._delivering: asyncio.Task[None] | None = None
        hub = Hub(people.relations, metrics.traffic)
        presence = SharedAttendance(database, people, hub) if database.node else Attendance(people)
        self.webhooks = ActiveWebhooks(database, hub, metrics)
        trust = outbound.trust(settings.webhook_security)
        self.message_log = MessageLog()
        self._configure(settings, trust, people)
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
        database.lost = partial(isolation.fence, self.dispatcher)
        elsewhere.listen(database, self.dispatcher)

    def _configure(self, settings: Settings, trust: ssl.SSLContext, people: People) -> None:
        """Apply settings to the parts that the dispatcher and the connections do not see."""
        self.settings = settings
        self.webhooks.configure(settings, trust)
        logs.configure(settings.log)
        self.message_log.configure(settings.logging)
        people.reservations.configure(settings.names.reserved_days, members=settings.jwt.enabled)

    async def load(self) -> bool:
        """Load the people and enter the room; return whether to serve it: another server may end this one meanwhile."""
        try:
            async with asyncio.timeout(None) as start:
                self.dispatcher.shut_down = partial(_end_start, start)
                # After all listeners are registered, so that none misses what other servers commit meanwhile.
                await self.dispatcher.people.load()
                await self.dispatcher.presence.open(digests(self.settings))
        except TimeoutError:
            if not start.expired():
                raise
            return False
        return True

    def install_controls(self, read: reload.Read | None) -> None:
        """Let operators and signals shut the server down, and reload its settings with `read`."""
        self.dispatcher.shut_down = process.shut_down
        if read:
            reload.reload_on_sighup(read, self.reload)
            self.dispatcher.reconfigure = partial(reload.reload, read, self.reload)

    def measuring(self) -> Callable[[], Awaitable[bytes]]:
        """Return a function that measures and renders the metrics; its results are cached for SAMPLE_SECONDS."""

        @alru_cache(maxsize=1, ttl=SAMPLE_SECONDS)
        async def measure() -> bytes:
            self.metrics.set_sessions(len(self.dispatcher.hub.sessions))
            await self.webhooks.measure()
            return self.metrics.render()

        return measure

    def reload(self, fresh: Settings) -> list[str]:
        """Apply new settings; see `ops.reload.Apply`."""
        if self._delivering:
            # Otherwise requests to the site would start again, and be cut off.
            raise SettingsError("the server is shutting down")
        settings, waiting = renewed(self.settings, fresh)
        # These steps can fail, so they come before any change.
        trust = outbound.trust(settings.webhook_security)
        message_log.prepare(settings.logging)
        if self.listener.certificates:
            self.listener.certificates.replace(tls.load_context(settings.tls))
        self._configure(settings, trust, self.dispatcher.people)
        self.dispatcher.limiter.configure(settings.limits)
        self.dispatcher.go_live(self._live())
        self.dispatcher.presence.set_settings(digests(settings))
        if warning := self.listener.plaintext_warning(settings.limits.trusted_proxies):
            log.warning("traffic is unencrypted", extra={"warning": warning})
        return waiting

    def _live(self) -> Live:
        """Return the values that handlers and connections see."""
        return live_values(
            self.settings,
            self.database.room,
            self.webhooks,
            own_hosts=[address.host for address in self.listener.addresses],
            has_certificate=bool(self.listener.certificates),
        )

    async def drain(self) -> None:
        """Accept no more requests; store and answer those already received, within a time limit."""
        self.log_event("ending", {"signal": process.shutdown_signal()})
        # In parallel with the rest, so that a slow site does not delay it.
        self._end_deliveries()
        with suppress(TimeoutError, StorageError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.dispatcher.drain()
                # Writes are ordered: once this one is done, all earlier ones have been answered.
                await self.database.write(lambda _: None)

    async def sample(self) -> None:
        """Measure what would be too expensive to measure for each message."""
        self.metrics.set_max_unsent(self.dispatcher.hub.max_unsent())
        isolation.watch_beats(self.dispatcher, self.database.health())
        self.dispatcher.disk_low = self._disk is not None and self._disk.is_low(self.settings.limits.free_megabytes)

    async def sweep(self) -> None:
        """Delete data that is older than its retention time. Raises StorageError."""
        self.dispatcher.people.expire_names()
        while await self.database.write(self._sweep):
            pass

    def _sweep(self, connection: SqlConnection) -> bool:
        """Delete some of the data; return whether there may be more."""
        settings = self.settings
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

    def log_event(self, event: str, fields: Mapping[str, str | None]) -> None:
        """Log an event of the process if the log is JSON. On a terminal, the printed URL is enough."""
        if self.settings.log.format == "json":
            log.info(event, extra=fields)

    def _end_deliveries(self) -> "asyncio.Task[None]":
        """Start no more requests to the site; return the task that waits for those that are running."""
        self._delivering = self._delivering or background.start(self.webhooks.drain(DELIVERY_SECONDS))
        return self._delivering

    async def finish_deliveries(self) -> None:
        """Wait for the requests to the site that are running."""
        await self._end_deliveries()


def _end_start(start: asyncio.Timeout) -> None:
    """Shut down without waiting for writes: a server that was removed from the room gets no answers."""
    process.shut_down()
    if not start.expired():
        start.reschedule(0)
