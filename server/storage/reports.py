"""Changes of reports, each with its trail and deliveries in one transaction."""

import json
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from server.protocol.codes import ErrorCode, ReportState
from server.protocol.wording import counted
from server.rules import trail as rules
from server.rules.evidence import Evidence
from server.rules.messages import NONCE_MILLISECONDS, Person, nonce_used
from server.rules.refusal import Refusal
from server.rules.reports import StoredReport
from server.rules.trail import Added, Reported, Withdrawn, form
from server.storage import gathering, outbox, report_rows, report_statuses, trail
from server.storage.events import ReportChanged, ReportOpened
from server.storage.leases import Claim
from server.storage.outbox import Attempt
from server.storage.sql import SqlConnection

HOUR_MILLISECONDS = 3600 * 1000


class Submission(NamedTuple):
    """A submitted report; `add`: it adds to an earlier report of the message."""

    reporter: Person
    evidence: Evidence
    nonce: str | None
    add: bool


class Terms(NamedTuple):
    """Rules for all reports: the first webhook, and the reports per person within an hour (0: no limit)."""

    webhook: str
    per_hour: int
    evidence: bool
    """Whether the site also receives additions and withdrawals."""
    copies: tuple[tuple[str, bool], ...] = ()
    """More webhooks for each report, and whether each receives additions and withdrawals; they affect no status."""
    node: str = ""
    """The server that applies these rules; it is the first to deliver what it stores."""

    @property
    def webhooks(self) -> tuple[tuple[str, bool], ...]:
        """All webhooks, and whether each receives additions and withdrawals."""
        return (self.webhook, self.evidence), *self.copies


def submit(terms: Terms, submission: Submission, connection: SqlConnection) -> StoredReport:
    """Store a report, or an addition to one, and queue its delivery. Raises Refusal."""
    reporter, evidence, _, add = submission
    if resent := _resent(submission, connection):
        return report_rows.existing(connection, resent)
    row = connection.execute(
        "SELECT id, status FROM report WHERE reporter_identity = ? AND msg_id = ?",
        (reporter.identity, evidence.msg_id),
    ).fetchone()
    known, status = row or (None, None)
    if known and not add:
        raise Refusal(ErrorCode.ALREADY_REPORTED, "You've already reported this message. You can add to your report.")
    webhooks = _recipients(terms, known, connection)
    if not webhooks and status != ReportState.WITHDRAWN:
        raise Refusal(
            ErrorCode.ALREADY_REPORTED, "You've already reported this message, and this site accepts no additions."
        )
    _check_rate(connection, reporter, terms.per_hour)
    if known:
        report_id, seq = known, _add(connection, known, submission, withdrawn=status == ReportState.WITHDRAWN)
    else:
        report_id, seq = _insert(connection, submission)
    for webhook in webhooks:
        due = None if known else gathering.due(connection, evidence.msg_id, webhook)
        outbox.queue(connection, seq, report_id, webhook, due)
    report_statuses.update(connection, [report_id], notified=True)
    report = report_rows.existing(connection, report_id)
    connection.announce(ReportOpened(report, Person(evidence.about, evidence.about_identity), terms.node))
    return report


def _recipients(terms: Terms, known: str | None, connection: SqlConnection) -> list[str]:
    """Return the webhooks that receive a new report, or an addition to the report with the ID `known`."""
    return [
        webhook
        # To a site that does not know ReportID, an addition would be a second report.
        for webhook, knows_id in terms.webhooks
        if knows_id or not known or not outbox.has(connection, known, webhook)
    ]


def _add(connection: SqlConnection, report_id: str, added: Submission, *, withdrawn: bool) -> int:
    """Store an addition to a report; return its number in the trail."""
    if withdrawn:
        # The report is open again, so the site must not receive the withdrawal if it is still waiting.
        outbox.cancel(connection, report_id)
        gathering.free(connection, report_id)
    evidence = added.evidence
    said = Added(evidence.reason, evidence.comment, evidence.context)
    seq = trail.append(connection, report_id, connection.now, said)
    connection.execute(
        "UPDATE report SET nonce = ?, note = '', status = ? WHERE id = ?",
        (added.nonce, ReportState.RECEIVED, report_id),
    )
    return seq


def _insert(connection: SqlConnection, submission: Submission) -> tuple[str, int]:
    """Store a report; return its ID, and its number in the trail."""
    reporter, evidence, nonce, _ = submission
    report_id = f"rep_{secrets.token_hex(8)}"
    seq = trail.append(connection, report_id, connection.now, Reported(evidence, reporter.identity))
    connection.execute(
        "INSERT INTO report"
        " (id, seq, reporter, reporter_identity, msg_id, status, nonce, about, about_identity, taken_back)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
        " (SELECT count(*) FROM message WHERE id = ?5 AND taken_back_at IS NOT NULL))",
        (
            *(report_id, seq, *reporter, evidence.msg_id, ReportState.RECEIVED, nonce),
            *(evidence.about, evidence.about_identity),
        ),
    )
    return report_id, seq


def _resent(submission: Submission, connection: SqlConnection) -> str | None:
    """Return the ID of the report that a submission repeats. Raises Refusal if another report has its nonce."""
    reporter, evidence, nonce, _ = submission
    row = connection.execute(
        "SELECT report.id, msg_id, content FROM report JOIN trail ON report_id = report.id"
        " WHERE reporter_identity = ? AND nonce = ? AND trail.at > ? AND (content LIKE ? OR content LIKE ?)"
        " ORDER BY trail.seq DESC LIMIT 1",
        (reporter.identity, nonce, connection.now - NONCE_MILLISECONDS, trail.REPORTED, trail.ADDED),
    ).fetchone()
    if row is None:
        return None
    report_id, msg_id, content = row
    if msg_id != evidence.msg_id or form(content) != (evidence.reason, evidence.comment, evidence.context):
        raise nonce_used("report")
    return str(report_id)


def withdraw(terms: Terms, report_id: str, reporter: Person, connection: SqlConnection) -> StoredReport:
    """Withdraw a report: cancel its deliveries, and notify the site if it may have received it.

    Raises Refusal, for example if the site has resolved it.
    """
    report = report_rows.find(report_id, connection)
    if report is None or report.reporter.identity != reporter.identity:
        raise Refusal(ErrorCode.UNKNOWN_REPORT, "You have no such report.")
    if report.status is ReportState.WITHDRAWN:
        return report
    if report.status is ReportState.RESOLVED:
        raise Refusal(ErrorCode.REPORT_RESOLVED, "The site has resolved this report, so you cannot withdraw it.")
    seq = trail.append(connection, report_id, connection.now, Withdrawn())
    seen = outbox.cancel(connection, report_id)
    for webhook, notified in terms.webhooks:
        if notified and webhook in seen:
            outbox.queue(connection, seq, report_id, webhook)
    gathering.free(connection, report_id)
    connection.execute(
        "UPDATE report SET status = ?, error = '', next_at = NULL, notified = 1 WHERE id = ?",
        (ReportState.WITHDRAWN, report_id),
    )
    report = report_rows.existing(connection, report_id)
    connection.announce(ReportChanged(report, terms.node, answered=True))
    return report


def site_said(key: str, status: ReportState, note: str, connection: SqlConnection) -> StoredReport | None:
    """Record a status from the site; return None if `key`, a report ID or a webhook-id, is unknown."""
    row = connection.execute(
        "SELECT id FROM report WHERE id = ?1 UNION SELECT report_id FROM delivery WHERE id = ?1", (key,)
    ).fetchone()
    if row is None:
        return None
    said = {
        report_id: event
        for report_id in gathering.reports_with(connection, row[0])
        if (event := rules.site_said(trail.account(connection, report_id), status, note))
    }
    trail.append_all(connection, connection.now, said.items())
    connection.executemany(
        "UPDATE report SET status = CASE WHEN status = ?1 THEN status ELSE ?2 END, error = '', next_at = NULL,"
        " note = ?3, notified = 0 WHERE id = ?4",
        [(ReportState.WITHDRAWN, status, event.note, report_id) for report_id, event in said.items()],
    )
    _announce_changes(connection, [*said])
    return report_rows.existing(connection, row[0])


def record_attempt(claim: Claim, attempt: Attempt, chance: float, connection: SqlConnection) -> None:
    """Record an attempt, and update the status of the report and of those that the delivery carries."""
    outbox.record_attempt(connection, claim, attempt, chance)
    followed = [claim.report_id, *gathering.follow(connection, claim.id)]
    _announce_changes(connection, report_statuses.update(connection, followed))


def replay(delivery_id: str, connection: SqlConnection) -> str | None:
    """Queue a delivery again; return the ID of its report, or None if there is no such delivery."""
    report_id = outbox.replay(connection, delivery_id)
    gathering.replay(connection, delivery_id)
    if report_id:
        _announce_changes(connection, report_statuses.update(connection, [report_id]))
    return report_id


def set_notified(report_ids: Sequence[str], connection: SqlConnection) -> None:
    """Record that the reporters were notified of the current status."""
    connection.execute(
        "UPDATE report SET notified = 1 WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(report_ids)),)
    )


def _check_rate(connection: SqlConnection, reporter: Person, per_hour: int) -> None:
    if not per_hour:
        return
    now = connection.now
    rows = connection.execute(
        "SELECT trail.at FROM trail JOIN report ON report.id = trail.report_id WHERE reporter_identity = ?"
        " AND trail.at BETWEEN ? AND ? AND (content LIKE ? OR content LIKE ?)"
        " ORDER BY trail.at DESC LIMIT ?",
        (reporter.identity, now - HOUR_MILLISECONDS, now, trail.REPORTED, trail.ADDED, per_hour),
    ).fetchall()
    if len(rows) == per_hour:
        minutes = timedelta(milliseconds=rows[-1][0] + HOUR_MILLISECONDS - now) // timedelta(minutes=1) + 1
        raise Refusal(
            ErrorCode.TOO_MANY_REPORTS,
            f"You have sent {counted(per_hour, 'report')} within an hour, which is the limit."
            f" Try again in {minutes} min.",
        )


def _announce_changes(connection: SqlConnection, report_ids: Sequence[str]) -> None:
    for report in report_rows.find_all(connection, report_ids):
        connection.announce(ReportChanged(report))
