"""Liveness and readiness checks. A failed check returns the problem in one line."""

import asyncio
import time

from server.handlers.dispatch import Dispatcher
from server.ops.watchdog import LoopWatchdog
from server.storage.database import Database, NodeHealth
from server.storage.presence import SILENT_SECONDS
from server.storage.sql import touch

DEAD_SECONDS = 5.0
"""Time without a heartbeat of the watchdog after which the liveness check fails."""
LATE_SECONDS = 1.0
"""Maximum recent delay of the event loop of a ready server."""
PROBE_SECONDS = 2.0
"""Timeout of the test write to the database."""
PROBE_CACHE_SECONDS = 1.0
"""Time for which the result of a test write is reused, so that frequent checks do not load the disk."""


class Health:
    """Checks for a supervisor or a load balancer. Each returns the problem; None if there is none."""

    def __init__(self, dispatcher: Dispatcher, database: Database, watchdog: LoopWatchdog) -> None:
        self._dispatcher = dispatcher
        self._database = database
        self._watchdog = watchdog
        self._probe: asyncio.Future[None] | None = None
        self._probe_valid_until = 0.0

    def liveness(self) -> str | None:
        """Return why the process should be restarted, or None."""
        if self._watchdog.silent > DEAD_SECONDS:
            return f"the event loop has not responded for {self._watchdog.silent:.1f} s"
        return None

    async def readiness(self) -> str | None:
        """Return why no clients should be sent to this server now, or None."""
        if self._dispatcher.draining:
            return "the server is shutting down"
        if liveness := self.liveness():
            return liveness
        if self._watchdog.worst > LATE_SECONDS:
            return f"the event loop was {self._watchdog.worst:.1f} s late within the last few seconds"
        if node := self._database.health():
            return _node_problem(node)
        return await self._write_probe()

    async def _write_probe(self) -> str | None:
        """Write to the database as a test; return the problem, or None."""
        now = time.monotonic()
        if self._probe is None or (self._probe.done() and now > self._probe_valid_until):
            self._probe = self._database.write(touch)
            # Retrieved here, because asyncio logs exceptions that no caller retrieves.
            self._probe.add_done_callback(lambda probe: probe.cancelled() or probe.exception())
            self._probe_valid_until = now + PROBE_CACHE_SECONDS
        # Once this probe is done, another check may replace it while this one still waits.
        probe = self._probe
        done, _ = await asyncio.wait([probe], timeout=PROBE_SECONDS)
        if not done:
            return f"a write took over {PROBE_SECONDS:.0f} s; check whether another process has locked the database"
        error = probe.exception()
        return f"writing to the database failed: {error}" if error else None


def _node_problem(node: NodeHealth) -> str | None:
    """Return why a server that shares its database is not ready. Its heartbeats replace the test write."""
    if node.fenced:
        return "the other servers of the room have removed this one, which was silent for too long; it is shutting down"
    if node.beat_age > SILENT_SECONDS:
        return f"the database has not answered for {node.beat_age:.1f} s; check that it runs and can be reached"
    return None
