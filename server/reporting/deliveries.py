"""Delivers the outbox to the site: sends what is due, records the results, and retries until delivered or given up."""

import asyncio
import logging
import random
import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Protocol

from server.ops.metrics import Metrics
from server.reporting.sender import ReportSender
from server.rules.retries import Result
from server.storage import gathering, leases, reports, webhook_state
from server.storage.base import StorageError
from server.storage.database import Database
from server.storage.leases import Claim
from server.storage.outbox import Attempt
from server.storage.sql import SqlConnection
from server.storage.trail import TrailError
from server.storage.webhook_state import Suspension

MAX_IN_FLIGHT = 8
POLL_SECONDS = 1.0
"""Interval of checks for changes by other processes: the administrator's commands, and expired leases."""
STORAGE_SECONDS = 1.0
"""Delay between attempts to use the database while it fails."""
UNREADABLE = "The stored report is damaged. Ask the administrator to check the server's database."

log = logging.getLogger(__name__)


class Reporters(Protocol):
    """Notifies the reporters who are in the room."""

    async def notify_waiting(self) -> None:
        """Notify the reporters of all waiting reports of a suspended or resumed webhook. Raises StorageError."""

    async def notify_missed(self) -> None:
        """Notify reporters of changes that no event announced. Raises StorageError."""


class Deliveries:
    """Delivers the queue of one webhook; `waiting` wakes it up."""

    def __init__(
        self,
        database: Database,
        sender: ReportSender,
        waiting: asyncio.Event,
        reporters: Reporters | None,
        metrics: Metrics,
        *,
        retargeted: bool = False,
    ) -> None:
        """Without `reporters`, the webhook receives copies, of which reporters are not notified.

        `retargeted`: the settings of the webhook have changed, so its earlier failures no longer count.
        """
        self._database = database
        self._sender = sender
        self._queue = sender.queue
        self._waiting = waiting
        self._reporters = reporters
        self._stop: Suspension | None = None
        self._look_again_at = 0.0
        self._metrics = metrics
        self._retargeted = retargeted
        self._holder = secrets.token_hex(8)
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._ending = False

    async def run(self) -> None:
        """Deliver until `end`, whatever fails. Attempts that are in flight at that time continue; see `drain`."""
        begun, problem = False, None
        while not self._ending:
            try:
                if not begun:
                    await self._database.write(self._begin)
                    begun = True
                # Before the rest, so that a problem with the status of one report delays no delivery.
                wait = await self._start_due()
                await self._notify_reporters()
                problem = None
            except Exception as error:
                # Logged once, however long the database is unavailable.
                if problem != (problem := str(error)):
                    unexpected = not isinstance(error, StorageError)
                    log.error("the outbox cannot be read or written", extra={"error": problem}, exc_info=unexpected)
                wait = STORAGE_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._waiting.wait()
            self._waiting.clear()

    def _begin(self, connection: SqlConnection) -> None:
        """Allow a request now: the administrator may have restarted or reloaded the server after repairing the site."""
        if self._retargeted:
            webhook_state.retarget(connection, self._queue)
        else:
            webhook_state.end_rest(connection, self._queue)

    def end(self) -> None:
        """Start no more attempts. Failures of attempts in flight are only logged."""
        self._ending = True
        self._waiting.set()

    async def drain(self) -> None:
        """Wait for attempts in flight; when cancelled, cancel them: they are retried after their lease."""
        try:
            if self._in_flight:
                await asyncio.wait(self._in_flight.values())
        finally:
            for task in self._in_flight.values():
                task.cancel()

    async def _notify_reporters(self) -> None:
        """Notify reporters of changes, including those by other processes, such as an administrator's command."""
        stop = await self._database.read(lambda connection: webhook_state.suspension(connection, self._queue))
        if self._reporters is None:
            return
        if stop != self._stop:
            await self._reporters.notify_waiting()
            self._stop = stop
        if monotonic() >= self._look_again_at:
            await self._reporters.notify_missed()
            self._look_again_at = monotonic() + POLL_SECONDS

    async def _start_due(self) -> float:
        """Start the deliveries that are due; return the seconds until the next check."""
        capacity, busy = MAX_IN_FLIGHT - len(self._in_flight), list(self._in_flight)
        if capacity <= 0:
            return POLL_SECONDS
        due = await self._database.read(lambda connection: leases.next_due(connection, self._queue, busy))
        wait = POLL_SECONDS if due is None else min(POLL_SECONDS, (due - self._database.now()) / 1000)
        if wait > 0:
            return wait
        claims = await self._database.write(partial(self._claim, capacity, busy))
        for claim in claims:
            task = asyncio.create_task(self._deliver(claim))
            self._in_flight[claim.id] = task
            task.add_done_callback(partial(self._finished, claim.id))
        return POLL_SECONDS

    def _claim(self, capacity: int, busy: Sequence[str], connection: SqlConnection) -> list[Claim]:
        if self._ending:
            # It ended while the queue was read; new settings may apply by now.
            return []
        claims = leases.claim(connection, self._queue, self._holder, capacity, busy)
        return gathering.gather(connection, claims)

    def _finished(self, delivery_id: str, task: "asyncio.Task[None]") -> None:
        del self._in_flight[delivery_id]
        self._waiting.set()
        if not task.cancelled() and (error := task.exception()):
            log.error(
                "internal error in a delivery; it will be retried", extra={"delivery": delivery_id}, exc_info=error
            )

    async def _deliver(self, claim: Claim) -> None:
        at, began = self._database.now(), monotonic()
        try:
            body = await self._sender.body(claim)
        except TrailError as error:
            # Retried on the usual schedule: otherwise a damaged report would be the probe of an open breaker forever.
            result, outcome = Result(None, UNREADABLE, str(error), ours=True), "unreadable"
        else:
            if body is None:
                await self._database.write(lambda connection: leases.release(connection, claim))
                return
            at, began = self._database.now(), monotonic()
            result, outcome = await self._sender.post(claim, body)
        seconds = monotonic() - began
        self._metrics.observe_attempt(claim.webhook, outcome, seconds)
        result = result._replace(outdated=self._ending)
        _log_failure(claim, result)
        await self._record(claim, Attempt(at, round(seconds * 1000), result))

    async def _record(self, claim: Claim, attempt: Attempt) -> None:
        """Record an attempt, and retry until it is stored: otherwise a delivered report would be sent again."""
        chance = random.random()  # noqa: S311 - no secret
        while True:
            try:
                return await self._database.write(partial(reports.record_attempt, claim, attempt, chance))
            except StorageError as error:
                fields = {"report": claim.report_id, "error": str(error)}
                log.error("the result of a delivery cannot be stored; retrying", extra=fields)
                await asyncio.sleep(STORAGE_SECONDS)


def _log_failure(claim: Claim, result: Result) -> None:
    if not result.accepted:
        failed = {"report": claim.report_id, "attempt": claim.attempt, "error": result.error}
        log.warning("a report could not be delivered", extra=failed)
    if result.status == HTTPStatus.GONE:
        advice = f"flagpost-server webhook resume {claim.webhook}"
        log.error(
            "a webhook is paused: the site answered 410 (Gone)", extra={"webhook": claim.webhook, "resume": advice}
        )
