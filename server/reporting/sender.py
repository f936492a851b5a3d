"""Writes the body of a delivery, and posts it to the site."""

import asyncio
from collections.abc import Callable
from functools import partial

from server.protocol.characters import REPLACEMENT, ZERO
from server.rules import retries
from server.rules.evidence import Companions, Evidence
from server.rules.person_ids import person_ids
from server.rules.retries import Result
from server.rules.trail import Event
from server.settings import Secret, WebhookURL
from server.storage import gathering, leases, trail
from server.storage.database import Database
from server.storage.leases import Claim
from server.storage.sql import SqlConnection
from server.webhooks.payloads import report_body, reported_messages
from server.webhooks.rendering import Renderer, html_or_text
from server.webhooks.webhook_client import WebhookClient, WebhookError

MAX_RECORDED_BYTES = 1024
"""Maximum length of the site's answer in the log of deliveries."""


class ReportSender:
    """Sends reports to one webhook."""

    def __init__(
        self,
        database: Database,
        hook: WebhookURL,
        key: Secret,
        client: WebhookClient,
        render: Renderer = html_or_text,
    ) -> None:
        """`render` converts messages to HTML if the webhook requests it, and never fails."""
        self._database = database
        self._hook = hook
        self._key = key
        self._client = client
        self._render = render
        self._person_id = person_ids(database.room.id_key)
        self._writing = asyncio.Lock()

    @property
    def queue(self) -> str:
        """The name of the webhook's queue."""
        return self._hook.queue

    async def body(self, claim: Claim) -> bytes | None:
        """Return the body to send, and renew the lease; None if the delivery must not be sent any more.

        Raises TrailError or StorageError.
        """
        reported = await self._database.read(
            lambda connection: trail.report_and_event(connection, claim.report_id, claim.seq)
        )
        while True:
            # Counted first, so that a withdrawal between the two is noticed.
            carried = await self._database.read(lambda connection: gathering.carried(connection, claim))
            companions = await self._database.read(lambda connection: gathering.companions(connection, claim))
            body = await self._write(claim, reported, companions)
            renewed = await self._database.write(partial(_renew, claim))
            if renewed == carried:
                return body
            if renewed is None:
                return None

    async def _write(self, claim: Claim, reported: tuple[Evidence, Event], companions: Companions) -> bytes:
        async with self._writing:
            written = await self._written(*reported)
            return await asyncio.to_thread(
                report_body,
                self._key,
                self._hook,
                claim.report_id,
                *reported,
                written,
                person_id=self._person_id,
                companions=companions,
            )

    async def _written(self, evidence: Evidence, event: Event) -> Callable[[str], str]:
        """Return the function that formats a message for the body."""
        if self._hook.message_format != "html":
            return str
        messages = reported_messages(self._hook, evidence, event)
        # The renderer receives only the messages, because the key must not leave this process.
        html = await self._render(messages) if messages else ()
        return dict(zip(messages, html, strict=True)).__getitem__

    async def post(self, claim: Claim, body: bytes) -> tuple[Result, str]:
        """Send a body; return the result of the attempt, and its label for metrics."""
        try:
            answer = await self._client.post(self._hook.url, body, claim.id)
        except WebhookError as error:
            return Result(None, f"The site did not accept the report: {error}.", error.cause), error.outcome
        # A site may echo the key, and the administrator might show the answer to others.
        said = self._key.redact(answer.body.decode(errors="replace")).encode()[:MAX_RECORDED_BYTES]
        signed = bool(self._hook.secret)
        result = Result(
            answer.status,
            f"The site did not accept the report: it answered with status {answer.status}.",
            retries.status_text(answer.status, signed=signed),
            answer.retry_after,
            said.decode(errors="ignore").replace(ZERO, REPLACEMENT),
            signed,
        )
        return result, str(answer.status)


def _renew(claim: Claim, connection: SqlConnection) -> int | None:
    """Renew a lease; return the number of reports that the delivery carries. None if it must not be sent."""
    return gathering.carried(connection, claim) if leases.renew(connection, claim) else None
