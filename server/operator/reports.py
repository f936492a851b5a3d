"""What an operator sees of reports: lists, one with everything, the proof of the trail, an export."""

import sqlite3
from collections.abc import Iterator

import msgspec

from server.engine import reports, trail
from server.engine.trail import TrailError
from server.operator.printing import short, shown, span, table, when
from server.operator.webhooks import UnknownError
from server.rules.trail import Added, Event, Reported, SiteSaid, decode


class Line(msgspec.Struct):
    """A row of the trail as it is exported."""

    seq: int
    report_id: str
    at: str
    content: msgspec.Raw
    hash: str


def listed(connection: sqlite3.Connection, limit: int) -> str:
    """The latest reports and where each stands."""
    found = reports.latest(limit, connection)
    if not found:
        return "There is no report yet."
    return table(
        ["ID", "RECEIVED", "REPORTER", "ABOUT", "WHERE", "REASON", "STATUS"],
        [
            [
                report.id,
                when(report.at),
                short(report.evidence.reporter, 20),
                short(report.evidence.about, 20),
                short(report.evidence.channel, 20),
                short(report.evidence.reason, 24),
                report.status,
            ]
            for report in found
        ],
    )


def show(connection: sqlite3.Connection, report_id: str) -> str:
    """One report: what it says, what became of it, each attempt to deliver it. UnknownError."""
    report = reports.find(report_id, connection)
    if report is None:
        raise UnknownError(f"there is no report {short(report_id)}; `reports list` lists them")
    evidence = report.evidence
    where = f"message {evidence.msg_id} in {evidence.channel}, {evidence.at:%Y-%m-%d %H:%M:%S}Z"
    lines = [
        f"{report.id}  {report.status}" + (f"  {report.error}" if report.error else ""),
        f"{shown(evidence.reporter)} reported {shown(evidence.about)}: {shown(evidence.reason)}",
        f"  {shown(where)}",
        *(f"    {line.at:%H:%M:%S} {shown(line.username)}: {shown(line.message)}" for line in evidence.context),
        f"  > {shown(evidence.message)}",
        f"  comment: {shown(evidence.comment) or '-'}",
        "",
        "Trail",
        *(f"  {row.seq}  {when(row.at)}  {_event(decode(row.content))}" for row in trail.rows(connection, report_id)),
        "",
        "Attempts",
        *_attempts(connection, report_id),
    ]
    return "\n".join(lines)


def _event(event: Event) -> str:
    if isinstance(event, Reported):
        return "reported"
    if isinstance(event, Added):
        return f"added: {shown(event.reason)}; {shown(event.comment)}"
    if isinstance(event, SiteSaid):
        return f"the site says {event.status}: {shown(event.note) or '-'}"
    return "withdrawn"


def _attempts(connection: sqlite3.Connection, report_id: str) -> Iterator[str]:
    rows = connection.execute(
        "SELECT delivery_id, attempt.at, milliseconds, attempt.status, attempt.error, answer FROM attempt"
        " JOIN delivery ON delivery.id = delivery_id WHERE report_id = ? ORDER BY attempt.id",
        (report_id,),
    ).fetchall()
    for delivery_id, at, took, status, error, answer in rows:
        said = f"  answer: {short(answer)}" if answer else ""
        yield f"  {when(at)}  {delivery_id}  {short(error) if error else status} after {span(took)}{said}"
    if not rows:
        yield "  none yet"


def verify(connection: sqlite3.Connection, head: str) -> str:
    """Prove that the trail is what was written, and that a hash noted before is part of it. TrailError."""
    count, last = trail.verify(connection)
    if head and not connection.execute("SELECT 1 FROM trail WHERE hash = ?", (head,)).fetchone():
        raise TrailError(f"the hash {short(head)} is not in the trail: it was made anew since that was noted")
    noted = " It holds the hash that was noted." if head else ""
    return f"{count} rows, none altered.{noted} Note this hash elsewhere: {last or '(none yet)'}"


def export(connection: sqlite3.Connection) -> Iterator[bytes]:
    """Every row of the trail, one JSON object each."""
    for row in trail.rows(connection):
        content = msgspec.Raw(row.content.encode())
        yield msgspec.json.encode(Line(row.seq, row.report_id, when(row.at), content, row.hash)) + b"\n"
