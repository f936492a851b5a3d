"""Derives the status of reports from their deliveries, and stores it in the table `report`."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from server.protocol.codes import ReportState
from server.rules.reports import StoredReport
from server.rules.retries import DeliveryState, report_status
from server.storage import leases, outbox, webhook_state
from server.storage.outbox import Sent
from server.storage.sql import SqlConnection
from server.storage.webhook_state import Suspension, WebhookState

PAUSED = "The site does not accept reports at the moment."
SILENT = "The site has not been answering."


class DeliveryStatus(NamedTuple):
    """The part of a report's status that results from its deliveries."""

    status: ReportState
    error: str
    next_at: int | None


def update(connection: SqlConnection, report_ids: Sequence[str], *, notified: bool = False) -> list[str]:
    """Update the stored status of reports from their deliveries; return the IDs of those whose status changed."""
    rows = connection.execute(
        "SELECT id, seq, status, error, next_at FROM report WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(report_ids)),),
    ).fetchall()
    sent, states, changed = outbox.sent(connection, report_ids), dict[str, WebhookState](), dict[str, DeliveryStatus]()
    for report_id, seq, status, *rest in rows:
        webhook, deliveries = sent.get(report_id, ("", []))
        if webhook not in states:
            states[webhook] = webhook_state.read(connection, webhook)
        before = DeliveryStatus(ReportState(status), *rest)
        after = _after(before, seq, deliveries, states[webhook], connection.now)
        if after != before:
            changed[report_id] = after
    connection.executemany(
        "UPDATE report SET status = ?1, error = ?2, next_at = ?3,"
        " notified = CASE WHEN status = ?1 AND error = ?2 THEN notified ELSE ?4 END WHERE id = ?5",
        [(*after, int(notified), report_id) for report_id, after in changed.items()],
    )
    return [*changed]


def _after(before: DeliveryStatus, first: int, sent: Sequence[Sent], state: WebhookState, now: int) -> DeliveryStatus:
    """Return the status of a report after its deliveries to one webhook; `first` is the seq of its first row."""
    if before.status is ReportState.WITHDRAWN or not sent:
        return before
    status = report_status([(each.state, each.attempts) for each in sent])
    # A status from the site proves that it has the report, even if it answered too late for an attempt to count. It
    # does not prove that it has an addition.
    lost = status is ReportState.GIVEN_UP and sent[-1].seq != first
    if before.status in {ReportState.SEEN, ReportState.RESOLVED} and not lost:
        return before
    deciding = [each for each in sent if each.state is DeliveryState.WAITING] or sent[-1:]
    failed = min((each for each in deciding if each.error), key=lambda each: each.due, default=None)
    error, next_at = "", None
    if failed:
        error = failed.error
        next_at = leases.next_attempt(state, failed.due, asked_to_wait=failed.asked_to_wait, now=now)
    after = _while_suspended(state.suspension(now), status, error, next_at)
    return after if after.status is ReportState.WAITING else after._replace(next_at=None)


def as_shown(connection: SqlConnection, reports: Sequence[StoredReport], webhook: str) -> list[StoredReport]:
    """Return reports with the status to show, which mentions a suspension of this webhook if they wait for it."""
    state = webhook_state.read(connection, webhook)
    return [each._replace(**_as_waiting(connection, state, each)._asdict()) for each in reports]


def _as_waiting(connection: SqlConnection, state: WebhookState, report: StoredReport) -> DeliveryStatus:
    next_at, suspended = report.next_at, state.suspension(connection.now)
    if next_at is not None and suspended:
        asked = outbox.asked_to_wait(connection, report.id)
        next_at = leases.next_attempt(state, next_at, asked_to_wait=asked, now=connection.now)
    return _while_suspended(suspended, report.status, report.error, next_at)


def _while_suspended(
    suspended: Suspension | None, status: ReportState, error: str, next_at: int | None
) -> DeliveryStatus:
    """Return the status to show, given whether the webhook is suspended."""
    error = "" if error == PAUSED else error
    if suspended is None or status not in {ReportState.RECEIVED, ReportState.WAITING}:
        return DeliveryStatus(status, error, next_at)
    if suspended.until is None:
        return DeliveryStatus(ReportState.WAITING, PAUSED, None)
    return DeliveryStatus(ReportState.WAITING, error or SILENT, next_at or suspended.until)
