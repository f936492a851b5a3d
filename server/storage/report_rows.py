"""Reads reports, with their statements and additions."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec
from msgspec import structs

from server.protocol.codes import ReportState
from server.rules.messages import Person
from server.rules.reports import MAX_EXCERPT_CHARS, StoredAddition, StoredReport
from server.rules.trail import Event, addition, decode, statement
from server.storage import report_statuses, trail
from server.storage.sql import SqlConnection
from server.storage.trail import TrailError, TrailRow

MAX_OPEN = 50_000
"""Maximum number of open reports whose names stay reserved."""
MAX_ADDITIONS = 3
"""Maximum number of additions per report in a list: there can be any number, but a list is one frame."""
WAITING, UNNOTIFIED = "status IN ('received', 'waiting')", "notified = 0"
"""Conditions: the report is not delivered yet; it has a change of which its reporter was not notified."""
_COLUMNS = (
    "report.id, reporter, reporter_identity, trail.at, trail.content, status, error, next_at, note, notified,"
    " taken_back"
    " FROM report JOIN trail ON trail.seq = report.seq"
)
_Row = tuple[str, str, str, int, str, str, str, int | None, str, int, int]


def find(report_id: str, connection: SqlConnection) -> StoredReport | None:
    """Return the report with this ID, or None."""
    row: _Row | None = connection.execute(f"SELECT {_COLUMNS} WHERE report.id = ?", (report_id,)).fetchone()
    return _report(row, _additions(connection, [report_id])) if row else None


def find_all(connection: SqlConnection, report_ids: Sequence[str]) -> list[StoredReport]:
    """Return the reports with these IDs that exist and can be read."""
    if not report_ids:
        return []
    query = f"SELECT {_COLUMNS} WHERE report.id IN (SELECT value FROM json_each(?))"  # noqa: S608 - ours
    return _reports(connection, connection.execute(query, (json.dumps(list(report_ids)),)))


def sent_by(identity: str, limit: int, webhook: str, connection: SqlConnection) -> list[StoredReport]:
    """Return a person's reports: first those with a change of which they were not notified, then the latest.

    While this webhook is suspended, the status of waiting reports says so.
    """
    query = f"SELECT {_COLUMNS} WHERE reporter_identity = ? ORDER BY notified, report.seq DESC LIMIT ?"
    return report_statuses.as_shown(
        connection, _reports(connection, connection.execute(query, (identity, limit))), webhook
    )


def found_of(identities: Sequence[str], which: str, webhook: str, connection: SqlConnection) -> list[StoredReport]:
    """Return the reports of these people that meet a condition: WAITING or UNNOTIFIED.

    While this webhook is suspended, the status of waiting reports says so.
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
    """Return everyone's reports, the latest first: all, or those before this one. Skip unreadable ones."""
    earlier = "report.seq < coalesce((SELECT seq FROM report WHERE id = ?), ?)"
    query = f"SELECT {_COLUMNS} WHERE {earlier} ORDER BY report.seq DESC LIMIT ?"
    return _reports(connection, connection.execute(query, (before, 2**63 - 1, limit)))


def account(report_id: str, connection: SqlConnection) -> tuple[StoredReport, list[tuple[TrailRow, Event]]] | None:
    """Return a report with the readable rows of its trail; None if it is not known."""
    report = find(report_id, connection)
    if report is None:
        return None
    events = []
    for row in trail.rows(connection, report_id):
        with suppress(msgspec.DecodeError):
            events.append((row, decode(row.content)))
    return report, events


def existing(connection: SqlConnection, report_id: str) -> StoredReport:
    """Return the report with this ID, which must exist. Raises TrailError."""
    report = find(report_id, connection)
    if report is None:
        raise TrailError(f"report {report_id} has no row")
    return report


def _reports(connection: SqlConnection, rows: Iterable[_Row]) -> list[StoredReport]:
    """Convert rows to reports. Skip those that were altered and cannot be read; `doctor` finds them."""
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
    return StoredReport(
        id=report_id,
        reporter=person,
        at=at,
        statement=said,
        status=ReportState(status),
        error=error,
        next_at=next_at,
        note=note,
        notified=bool(notified),
        taken_back=bool(taken_back),
        additions=tuple(additions.get(report_id, ())),
    )


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
        # Skip an addition that was altered and cannot be read; `doctor` finds it.
        with suppress(msgspec.DecodeError):
            found[report_id].append(StoredAddition(at, *addition(content)))
    return found
