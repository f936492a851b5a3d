"""Outbox -> website: sends what is due, keeps what came of it, and goes on until all is delivered or given up."""

import asyncio
import logging
import random
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import NamedTuple

from server.engine import outbox, reports, trail
from server.engine.base import StorageError
from server.engine.clock import Clock, milliseconds, utc_now
from server.engine.database import Database
from server.engine.outbox import Attempt, Claim
from server.engine.reports import Report
from server.metrics import Metrics
from server.rules.deliveries import Result
from server.rules.reports import Evidence
from server.rules.trail import Event, Reported, decode
from server.settings import Secret, WebhookURL
from server.webhooks.client import WebhookClient, WebhookError
from server.webhooks.payloads import report_body

MAX_IN_FLIGHT = 8
POLL_SECONDS = 1.0
"""Between looks for what another process changed: the operator's commands, a lease that ran out."""
STORAGE_SECONDS = 1.0
"""Between tries to keep what came of an attempt while the storage fails."""
MAX_ANSWER_CHARS = 1024

log = logging.getLogger(__name__)


class Content(NamedTuple):
    """What a delivery tells: an event, and the report that it is about."""

    evidence: Evidence
    event: Event


class Deliveries:
    """The queue of one webhook; `waiting` wakes it, `told` hears of each report that stands elsewhere then."""

    def __init__(
        self,
        database: Database,
        hook: WebhookURL,
        key: Secret,
        client: WebhookClient,
        waiting: asyncio.Event,
        told: Callable[[Report], None],
        metrics: Metrics,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._hook = hook
        self._key = key
        self._client = client
        self._waiting = waiting
        self._told = told
        self._metrics = metrics
        self._clock = clock
        self._holder = secrets.token_hex(8)
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._ending = False

    async def run(self) -> None:
        """Deliver until `end`; attempts that are under way then go on, see `drain`."""
        while not self._ending:
            try:
                wait = await self._start_due()
            except StorageError as error:
                log.error("the outbox cannot be read or written now", extra={"error": str(error)})
                wait = STORAGE_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._waiting.wait()
            self._waiting.clear()

    def end(self) -> None:
        """Begin no attempt more."""
        self._ending = True
        self._waiting.set()

    async def measure(self) -> None:
        """Bring what is measured about the queue up to date. StorageError."""
        now = milliseconds(self._clock())
        depth = await self._database.read(lambda connection: outbox.depth(connection, self._hook.name, now))
        self._metrics.queue(self._hook.name, depth, now)

    async def drain(self) -> None:
        """Wait for what is under way; when cancelled, what is late is given up, and sent again after its lease."""
        try:
            if self._in_flight:
                await asyncio.wait(self._in_flight.values())
        finally:
            for task in self._in_flight.values():
                task.cancel()

    async def _start_due(self) -> float:
        """Begin what is due; in how many seconds to look again."""
        room, busy, now = MAX_IN_FLIGHT - len(self._in_flight), list(self._in_flight), milliseconds(self._clock())
        if room <= 0:
            return POLL_SECONDS
        due = await self._database.read(lambda connection: outbox.next_due(connection, self._hook.name, now, busy))
        if due is None or due > now:
            return POLL_SECONDS if due is None else min(POLL_SECONDS, (due - now) / 1000)
        claims = await self._database.write(partial(self._claim, room, busy))
        for claim in claims:
            task = asyncio.create_task(self._deliver(claim))
            self._in_flight[claim.id] = task
            task.add_done_callback(partial(self._finished, claim.id))
        return POLL_SECONDS

    def _claim(self, room: int, busy: Sequence[str], connection: sqlite3.Connection) -> list[Claim]:
        # The time is that of the transaction: by an earlier one, what another server has leased since would look as
        # if it had been leased in the future, before the clock was set back.
        return outbox.claim(connection, self._hook.name, self._holder, room, busy, milliseconds(self._clock()))

    def _finished(self, delivery_id: str, task: "asyncio.Task[None]") -> None:
        del self._in_flight[delivery_id]
        self._waiting.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("a delivery failed here; it is tried again", extra={"delivery": delivery_id}, exc_info=error)

    async def _deliver(self, claim: Claim) -> None:
        content = await self._database.read(partial(_content, claim))
        if content is None:
            await self._database.write(lambda connection: outbox.release(connection, claim))
            return
        body = report_body(self._key, self._hook, claim.report_id, *content)
        at, began = milliseconds(self._clock()), monotonic()
        result, outcome = await self._post(claim, body)
        seconds = monotonic() - began
        self._metrics.attempted(claim.webhook, outcome, seconds)
        attempt = Attempt(at, round(seconds * 1000), result)
        if not result.taken:
            failed = {"report": claim.report_id, "attempt": claim.attempt, "error": result.error}
            log.warning("the site did not take a report", extra=failed)
        if report := await self._note(claim, attempt):
            self._told(report)

    async def _post(self, claim: Claim, body: bytes) -> tuple[Result, str]:
        """What an attempt came to, and what it is counted as."""
        try:
            answer = await self._client.post(self._hook.url, body, claim.id)
        except WebhookError as error:
            return Result(None, f"The website did not take it: {error}.", error.cause), error.outcome
        # A site may answer with what it was sent; the operator is shown it, and may show it to others.
        said = self._key.hidden_in(answer.body.decode(errors="replace"))[:MAX_ANSWER_CHARS]
        words = f"The website did not take it: it answered with status {answer.status}."
        result = Result(answer.status, words, f"status {answer.status}", answer.retry_after, said)
        return result, str(answer.status)

    async def _note(self, claim: Claim, attempt: Attempt) -> Report | None:
        """Keep what came of an attempt, for as long as it takes: what is forgotten would be sent again."""
        while True:
            try:
                return await self._database.write(
                    partial(reports.note, claim, attempt, self._clock, random.random())  # noqa: S311 - no secret
                )
            except StorageError as error:
                unkept = {"report": claim.report_id, "error": str(error)}
                log.error("what came of a report cannot be kept now", extra=unkept)
                await asyncio.sleep(STORAGE_SECONDS)


def _content(claim: Claim, connection: sqlite3.Connection) -> Content | None:
    """None if it is not to be sent any more: withdrawn since it was claimed, or another server's after a long stop."""
    if not outbox.is_held(connection, claim):
        return None
    rows = trail.rows(connection, claim.report_id)
    first = decode(rows[0].content)
    if not isinstance(first, Reported):
        raise sqlite3.IntegrityError(f"report {claim.report_id} does not begin with what was reported")
    return Content(first.evidence, next(decode(row.content) for row in rows if row.seq == claim.seq))
