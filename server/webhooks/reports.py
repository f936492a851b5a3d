"""Reports -> website: one attempt, and what came of it in words for the reporter."""

import logging
from http import HTTPStatus

from server.rules.reports import Evidence
from server.settings import Secret
from server.webhooks.client import WebhookClient, WebhookError
from server.webhooks.payloads import report_body

log = logging.getLogger(__name__)


class Reports:
    """Sends reports to one webhook."""

    def __init__(self, client: WebhookClient, url: str, key: Secret) -> None:
        self._client = client
        self._url = url
        self._key = key

    async def deliver(self, report_id: str, evidence: Evidence) -> str:
        """Post a report. Empty if the site took it (status 200 alone), or what it did instead."""
        try:
            answer = await self._client.post(self._url, report_body(self._key, evidence))
        except WebhookError as error:
            log.warning("report %s was not delivered: %s", report_id, error.cause)
            return str(error)
        if answer.status != HTTPStatus.OK:
            log.warning("report %s was not delivered: status %d", report_id, answer.status)
            return f"it answered with status {answer.status}"
        return ""
