"""Delivers the outbox to the site: sends what is due, records the results, and retries until delivered or given up."""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Protocol

from server.ops.metrics import Metrics
from server.protocol.characters import REPLACEMENT, ZERO
from server.rules import retries
from server.rules.evidence import Evidence
from server.rules.person_ids import person_ids
from server.rules.retries import Result
from server.rules.trail import Event
from server.settings import Secret, WebhookURL
from server.storage import gathering, outbox, reports, trail, webhook_state
from server.storage.base import StorageError
from server.storage.database import Database
from server.storage.outbox import Attempt, Claim
from server.storage.sql import SqlConnection
from server.storage.trail import TrailError
from server.storage.webhook_state import Suspension
from server.webhooks.payloads import report_body, reported_messages
from server.webhooks.rendering import Renderer, html_or_text
from server.webhooks.webhook_client import WebhookClient, WebhookError

MAX_IN_FLIGHT = 8
POLL_SECONDS = 1.0
"""Interval of checks for changes by other processes: the administrator's commands, and expired leases."""
STORAGE_SECONDS = 1.0
"""Delay between attempts to use the storage while it fails."""
MAX_ANSWER_BYTES = 1024
UNREADABLE = "The stored report is damaged; the administrator can find out why."

log = logging.getLogger(__name__)


class Reporters(Protocol):
    """Notifies the reporters who are in the room."""

    async def notify_waiting(self) -> None:
        """Notify the reporters of all waiting reports of a suspended or resumed webhook. Raises StorageError."""

    async def notify_missed(self) -> None:
        """Notify reporters of changes that no event told of. Raises StorageError."""


class Deliveries:
    """Delivers the queue of one webhook; `waiting` wakes it up."""

    def __init__(
        self,
        database: Database,
        hook: WebhookURL,
        key: Secret,
        client: WebhookClient,
        waiting: asyncio.Event,
        reporters: Reporters | None,
        metrics: Metrics,
        render: Renderer = html_or_text,
        *,
        retargeted: bool = False,
    ) -> None:
        """Create it for a webhook; without `reporters` it gets copies, of which reporters are not notified.

        `render` converts messages to HTML if the webhook requests it, and never fails.
        `retargeted`: the webhook was called in another way until now, so earlier failures say nothing.
        """
        self._database = database
        self._hook = hook
        self._key = key
        self._client = client
        self._waiting = waiting
        self._reporters = reporters
        self._stop: Suspension | None = None
        self._look_again_at = 0.0
        self._metrics = metrics
        self._render = render
        self._person_id = person_ids(database.life.id_key)
        self._retargeted = retargeted
        self._holder = secrets.token_hex(8)
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._writing = asyncio.Lock()
        self._ending = False

    async def run(self) -> None:
        """Deliver until `end`; attempts that are in flight then continue, see `drain`."""
        begun, problem = False, ""
        while not self._ending:
            try:
                if not begun:
                    await self._database.write(self._begin)
                    begun = True
                await self._notify_reporters()
                wait = await self._start_due()
                problem = ""
            except StorageError as error:
                # Once, however long a database is away.
                if problem != (problem := str(error)):
                    log.error("the outbox cannot be read or written", extra={"error": problem})
                wait = STORAGE_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._waiting.wait()
            self._waiting.clear()

    def _begin(self, connection: SqlConnection) -> None:
        """Probe the site now, because the administrator may have restarted or reloaded after repairing it."""
        if self._retargeted:
            webhook_state.retarget(connection, self._hook.queue)
        else:
            webhook_state.end_rest(connection, self._hook.queue)

    def end(self) -> None:
        """Start no more attempts. A failure of one in flight is no longer counted against the site."""
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
        """Notify reporters of changes, also those by another process, such as an administrator's command."""
        stop = await self._database.read(lambda connection: webhook_state.suspension(connection, self._hook.queue))
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
        due = await self._database.read(lambda connection: outbox.next_due(connection, self._hook.queue, busy))
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
        claims = outbox.claim(connection, self._hook.queue, self._holder, capacity, busy)
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
            body = await self._body(claim)
        except TrailError as error:
            # It follows the schedule like any other, or it would be the probe of an open breaker forever.
            result, outcome = Result(None, UNREADABLE, str(error), ours=True), "unreadable"
        else:
            if body is None:
                await self._database.write(lambda connection: outbox.release(connection, claim))
                return
            at, began = self._database.now(), monotonic()
            result, outcome = await self._post(claim, body)
        seconds = monotonic() - began
        self._metrics.observe_attempt(claim.webhook, outcome, seconds)
        result = result._replace(outdated=self._ending)
        attempt = Attempt(at, round(seconds * 1000), result)
        if not result.accepted:
            failed = {"report": claim.report_id, "attempt": claim.attempt, "error": result.error}
            log.warning("a report could not be delivered", extra=failed)
        if result.status == HTTPStatus.GONE:
            advice = f"python -m server webhook resume {claim.webhook}"
            log.error(
                "a webhook is paused: the site answered 410 (Gone)", extra={"webhook": claim.webhook, "resume": advice}
            )
        await self._record(claim, attempt)

    async def _body(self, claim: Claim) -> bytes | None:
        """Return the body to send; None if it must not be sent any more. Raises TrailError or StorageError."""
        reported = await self._database.read(
            lambda connection: trail.report_and_event(connection, claim.report_id, claim.seq)
        )
        companions = await self._database.read(lambda connection: gathering.companions(connection, claim))
        async with self._writing:
            written = await self._written(*reported)
            body = await asyncio.to_thread(
                report_body, self._key, self._hook, claim.report_id, *reported, written, self._person_id, companions
            )
        return body if await self._database.write(lambda connection: outbox.renew(connection, claim)) else None

    async def _written(self, evidence: Evidence, event: Event) -> Callable[[str], str]:
        """Return the function that formats a message for the body."""
        if self._hook.message_format != "html":
            return str
        messages = reported_messages(self._hook, evidence, event)
        # It receives only the messages, because the key must not leave this process.
        html = await self._render(messages) if messages else ()
        return dict(zip(messages, html, strict=True)).__getitem__

    async def _post(self, claim: Claim, body: bytes) -> tuple[Result, str]:
        """Send a body; return the result of the attempt, and its label for metrics."""
        try:
            answer = await self._client.post(self._hook.url, body, claim.id)
        except WebhookError as error:
            return Result(None, f"The site did not accept it: {error}.", error.cause), error.outcome
        # A site may echo the key, and the administrator might show the answer to others.
        said = self._key.redact(answer.body.decode(errors="replace")).encode()[:MAX_ANSWER_BYTES]
        signed = bool(self._hook.secret)
        result = Result(
            answer.status,
            f"The site did not accept it: it answered with status {answer.status}.",
            retries.status_text(answer.status, signed=signed),
            answer.retry_after,
            said.decode(errors="ignore").replace(ZERO, REPLACEMENT),
            signed,
        )
        return result, str(answer.status)

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
