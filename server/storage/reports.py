"""Reports in the database, each with its trail and deliveries; all three change in one transaction."""

import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

import msgspec
from msgspec import structs

from server.protocol.codes import ErrorCode, ReportState
from server.rules import trail as rules
from server.rules.evidence import Evidence
from server.rules.messages import NONCE_MILLISECONDS, Person, nonce_used
from server.rules.refusal import Refusal
from server.rules.reports import MAX_EXCERPT_CHARS, StoredAddition, StoredReport
from server.rules.trail import Added, Event, Reported, Withdrawn, addition, decode, form, statement
from server.storage import gathering, outbox, report_statuses, trail
from server.storage.events import ReportChanged, ReportOpened
from server.storage.outbox import Attempt, Claim
from server.storage.sql import SqlConnection
from server.storage.trail import TrailError, TrailRow

MAX_OPEN = 50_000
"""Maximum number of open reports whose names stay reserved."""
HOUR_MILLISECONDS = 3600 * 1000
MAX_ADDITIONS = 3
"""Maximum number of additions per report in a list: there can be any number, but a list is one frame."""
WAITING, UNNOTIFIED = "status IN ('received', 'waiting')", "notified = 0"
"""Conditions for a reporter's reports: those that are waiting, or with a change they were not notified of."""


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


_COLUMNS = (
    "report.id, reporter, reporter_identity, trail.at, trail.content, status, error, next_at, note, notified,"
    " taken_back"
    " FROM report JOIN trail ON trail.seq = report.seq"
)
_Row = tuple[str, str, str, int, str, str, str, int | None, str, int, int]


def submit(terms: Terms, submission: Submission, connection: SqlConnection) -> StoredReport:
    """Store a report, or an addition to one, and queue its delivery. Raises Refusal."""
    reporter, evidence, _, add = submission
    if resent := _resent(submission, connection):
        return _found(connection, resent)
    row = connection.execute(
        "SELECT id, status FROM report WHERE reporter_identity = ? AND msg_id = ?",
        (reporter.identity, evidence.msg_id),
    ).fetchone()
    known, status = row or (None, None)
    if known and not add:
        raise Refusal(ErrorCode.ALREADY_REPORTED, "You've already reported this message. You can add to your report.")
    webhooks = [
        webhook
        # To a site that does not know ReportID, an addition would be a second report.
        for webhook, knows_id in terms.webhooks
        if knows_id or not known or not outbox.has(connection, known, webhook)
    ]
    if not webhooks and status != ReportState.WITHDRAWN:
        raise Refusal(ErrorCode.ALREADY_REPORTED, "You've already reported this message, and the site has your report.")
    _check_rate(connection, reporter, terms.per_hour)
    if known:
        report_id, seq = known, _add(connection, known, submission, withdrawn=status == ReportState.WITHDRAWN)
    else:
        report_id, seq = _insert(connection, submission)
    for webhook in webhooks:
        due = None if known else gathering.due(connection, evidence.msg_id, webhook)
        outbox.queue(connection, seq, report_id, webhook, due)
    report_statuses.update(connection, [report_id], notified=True)
    report = _found(connection, report_id)
    connection.announce(ReportOpened(report, Person(evidence.about, evidence.about_identity), terms.node))
    return report


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
    """Return the ID of the report that a submission repeats. Raises Refusal if its nonce was used for another one."""
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
    """Withdraw a report: cancel its deliveries, and notify the site if it may have received it. Raises Refusal."""
    report = find(report_id, connection)
    if report is None or report.reporter.identity != reporter.identity:
        raise Refusal(ErrorCode.UNKNOWN_REPORT, "You have no such report.")
    if report.status is ReportState.WITHDRAWN:
        return report
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
    report = _found(connection, report_id)
    connection.announce(ReportChanged(report, terms.node, answered=True))
    return report


def site_said(key: str, status: ReportState, note: str, connection: SqlConnection) -> StoredReport | None:
    """Record a status from the site. `key` is a report ID or a webhook-id; None if it is unknown."""
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
    return _found(connection, row[0])


def record_attempt(claim: Claim, attempt: Attempt, chance: float, connection: SqlConnection) -> None:
    """Record an attempt, and update the status of the report and of those that the delivery carries."""
    outbox.record_attempt(connection, claim, attempt, chance)
    followed = [claim.report_id, *gathering.follow(connection, claim.id)]
    _announce_changes(connection, report_statuses.update(connection, followed))


def replay(delivery_id: str, connection: SqlConnection) -> str | None:
    """Deliver again; return the ID of the report, or None if there is no such delivery."""
    report_id = outbox.replay(connection, delivery_id)
    gathering.replay(connection, delivery_id)
    if report_id:
        _announce_changes(connection, report_statuses.update(connection, [report_id]))
    return report_id


def find(report_id: str, connection: SqlConnection) -> StoredReport | None:
    """Return the report with this ID, or None."""
    row: _Row | None = connection.execute(f"SELECT {_COLUMNS} WHERE report.id = ?", (report_id,)).fetchone()
    return _report(row, _additions(connection, [report_id])) if row else None


def sent_by(identity: str, limit: int, webhook: str, connection: SqlConnection) -> list[StoredReport]:
    """Return a person's reports: first those with a change they were not notified of, then the latest.

    While this webhook is suspended, waiting reports say so.
    """
    query = f"SELECT {_COLUMNS} WHERE reporter_identity = ? ORDER BY notified, report.seq DESC LIMIT ?"
    return report_statuses.as_shown(
        connection, _reports(connection, connection.execute(query, (identity, limit))), webhook
    )


def found_of(identities: Sequence[str], which: str, webhook: str, connection: SqlConnection) -> list[StoredReport]:
    """Return the reports of these people that are WAITING or UNNOTIFIED.

    While this webhook is suspended, waiting reports say so.
    """
    query = f"SELECT {_COLUMNS} WHERE {which} AND reporter_identity IN (SELECT value FROM json_each(?))"  # noqa: S608 - ours
    found = _reports(connection, connection.execute(query, (json.dumps(list(identities)),)))
    return report_statuses.as_shown(connection, found, webhook)


def open_about(connection: SqlConnection) -> list[tuple[str, Person]]:
    """Return the reports that are not resolved or withdrawn, and whom each is about; the latest MAX_OPEN."""
    rows = connection.execute(
        "SELECT id, about, about_identity FROM report WHERE status NOT IN ('resolved', 'withdrawn')"
        " AND about_identity != '' ORDER BY seq DESC LIMIT ?",
        (MAX_OPEN,),
    )
    return [(report_id, Person(name, identity)) for report_id, name, identity in rows]


def latest(limit: int, connection: SqlConnection) -> list[str]:
    """Return the IDs of everyone's reports, the latest first."""
    return [row[0] for row in connection.execute("SELECT id FROM report ORDER BY seq DESC LIMIT ?", (limit,))]


def latest_before(before: str, limit: int, connection: SqlConnection) -> list[StoredReport]:
    """Return everyone's reports, the latest first: all, or those before this one. Altered ones are left out."""
    earlier = "report.seq < coalesce((SELECT seq FROM report WHERE id = ?), ?)"
    query = f"SELECT {_COLUMNS} WHERE {earlier} ORDER BY report.seq DESC LIMIT ?"
    return _reports(connection, connection.execute(query, (before, 2**63 - 1, limit)))


def account(report_id: str, connection: SqlConnection) -> tuple[StoredReport, list[tuple[TrailRow, Event]]] | None:
    """Return a report with its trail, without rows that were altered; None if it is not known."""
    report = find(report_id, connection)
    if report is None:
        return None
    events = []
    for row in trail.rows(connection, report_id):
        with suppress(msgspec.DecodeError):
            events.append((row, decode(row.content)))
    return report, events


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
            f"You have sent {per_hour} reports within an hour, which is the limit. Try again in {minutes} min.",
        )


def _announce_changes(connection: SqlConnection, report_ids: Sequence[str]) -> None:
    if report_ids:
        query = f"SELECT {_COLUMNS} WHERE report.id IN (SELECT value FROM json_each(?))"  # noqa: S608 - ours
        for report in _reports(connection, connection.execute(query, (json.dumps(list(report_ids)),))):
            connection.announce(ReportChanged(report))


def _found(connection: SqlConnection, report_id: str) -> StoredReport:
    report = find(report_id, connection)
    if report is None:
        raise TrailError(f"report {report_id} has no row")
    return report


def _reports(connection: SqlConnection, rows: Iterable[_Row]) -> list[StoredReport]:
    """Return these reports, without those that were altered and cannot be read; `doctor` finds them."""
    rows = [*rows]
    additions, found = _additions(connection, [row[0] for row in rows]), list[StoredReport]()
    for row in rows:
        with suppress(msgspec.DecodeError):
            found.append(_report(row, additions))
    return found


def _report(row: _Row, additions: Mapping[str, Sequence[StoredAddition]]) -> StoredReport:
    report_id, reporter, identity, at, content, status, error, next_at, note, notified, taken_back = row
    person, said = Person(reporter, identity), statement(content)
    said = structs.replace(said, message=said.message[:MAX_EXCERPT_CHARS])
    status_fields = ReportState(status), error, next_at, note
    added = tuple(additions.get(report_id, ()))
    return StoredReport(report_id, person, at, said, *status_fields, bool(notified), bool(taken_back), added)


def _additions(connection: SqlConnection, report_ids: Sequence[str]) -> dict[str, list[StoredAddition]]:
    """Return the latest additions to reports, in order."""
    rows = connection.execute(
        "SELECT trail.report_id, at, content FROM trail JOIN"
        " (SELECT seq, row_number() OVER (PARTITION BY report_id ORDER BY seq DESC) AS place FROM trail"
        " WHERE report_id IN (SELECT value FROM json_each(?)) AND content LIKE ?) AS latest ON latest.seq = trail.seq"
        " WHERE place <= ? ORDER BY trail.seq",
        (json.dumps(list(report_ids)), trail.ADDED, MAX_ADDITIONS),
    )
    found = defaultdict[str, list[StoredAddition]](list)
    for report_id, at, content in rows:
        # Skip one that was altered and cannot be read; `doctor` finds it.
        with suppress(msgspec.DecodeError):
            found[report_id].append(StoredAddition(at, *addition(content)))
    return found
