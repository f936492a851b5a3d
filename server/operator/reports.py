"""What an operator sees of reports: lists, one with everything, the proof of the trail, an export."""

import json
import sqlite3
from collections.abc import Iterator, Sequence

from server.operator.errors import CommandError
from server.operator.printing import name, short, shown, span, table, when
from server.operator.webhooks import next_attempt
from server.protocol import name_text
from server.rules.evidence import ContextLine, Evidence
from server.rules.retries import State
from server.rules.trail import Added, Event, Reported, SiteSaid, decode
from server.storage import overview, reports, trail
from server.storage.overview import Attempted
from server.storage.trail import Row, TrailError

MAX_NAMED = 3


def listed(connection: sqlite3.Connection, limit: int) -> str:
    """The latest reports, the newest first."""
    found = reports.latest(limit, connection)
    if not found:
        return "There is no report yet."
    head = ["ID", "RECEIVED", "REPORTER", "ABOUT", "WHERE", "REASON", "STATUS"]
    return table(head, [_cells(connection, report_id) for report_id in found])


def _cells(connection: sqlite3.Connection, report_id: str) -> list[str]:
    try:
        report = reports.find(report_id, connection)
    except (sqlite3.Error, ValueError):
        report = None
    if report is None:
        return [shown(report_id), *["?"] * 5, "cannot be read: see `reports verify`"]
    said = report.statement
    names = [short(each, 20) for each in (name(said.reporter), name(said.about), _where(said.channel))]
    return [report.id, when(report.at), *names, short(said.reason, 24), report.status]


def show(connection: sqlite3.Connection, report_id: str) -> str:
    """One report: what it says, what became of it, each delivery with its attempts. CommandError."""
    report = reports.find(report_id, connection)
    if report is None:
        latest = ", ".join(reports.latest(MAX_NAMED, connection)) or "none"
        raise CommandError(f"there is no report {short(report_id)}; the latest are: {latest}; `reports list` has more")
    told = [(row, decode(row.content)) for row in trail.rows(connection, report_id)]
    evidence = next(event.evidence for _, event in told if isinstance(event, Reported))
    lines = [
        f"{report.id}  {report.status}" + (f"  {shown(report.error)}" if report.error else ""),
        f"“{name(evidence.reporter)}” reported “{name(evidence.about)}”: {shown(evidence.reason)}",
        f"  comment: {shown(evidence.comment) or '-'}",
        f"  message {evidence.msg_id} in {_where(evidence.channel)}, {evidence.at:%Y-%m-%d %H:%M:%S}Z:",
        *_conversation(evidence, evidence.context),
        "",
        "Trail",
        *_history(evidence, told),
        "",
        "Deliveries",
        *_deliveries(connection, report_id),
    ]
    return "\n".join(lines)


def _history(evidence: Evidence, told: Sequence[tuple[Row, Event]]) -> Iterator[str]:
    """The rows of a report's trail; under an addition what was sent along with it."""
    for row, event in told:
        yield f"  {row.seq}  {when(row.at)}  {_event(event)}"
        if isinstance(event, Added) and event.context:
            yield from (f"   {line}" for line in _conversation(evidence, event.context))


def _conversation(evidence: Evidence, context: Sequence[ContextLine]) -> Iterator[str]:
    """The reported message (>) among these around it, in their order."""
    said = [(line.at, " ", line.username, line.message) for line in context]
    said.append((evidence.at, ">", evidence.about, evidence.message))
    for at, mark, author, text in sorted(said, key=lambda line: line[0]):
        yield f"  {mark} {at:%H:%M:%S} {name_text.said(name(author), shown(text))}"


def _where(channel: str) -> str:
    """A channel, or the other one of a direct message."""
    return f"@{name(channel[1:])}" if channel.startswith("@") else name_text.place(shown(channel))


def _event(event: Event) -> str:
    if isinstance(event, Reported):
        return "reported"
    if isinstance(event, Added):
        return f"added: {shown(event.reason)}; {shown(event.comment) or '-'}"
    if isinstance(event, SiteSaid):
        return f"the site says {shown(event.status)}: {shown(event.note) or '-'}"
    return "withdrawn"


def _deliveries(connection: sqlite3.Connection, report_id: str) -> Iterator[str]:
    for each in overview.deliveries_of(connection, report_id):
        due = f", next attempt {next_attempt(connection, each)}" if each.state is State.WAITING else ""
        yield f"  {each.id}  row {each.seq} to {each.webhook}: {each.state}{due}"
        for attempted in overview.attempts(connection, each.id):
            yield f"    {when(attempted.at)}  {_attempt(attempted)}"


def _attempt(attempted: Attempted) -> str:
    came_to = shown(attempted.error) or f"status {attempted.status}"
    said = f"; it said: {short(attempted.answer)}" if attempted.answer else ""
    return f"{came_to} after {span(attempted.milliseconds)}{said}"


def verify(connection: sqlite3.Connection, head: str | None) -> str:
    """Prove that the trail is what was written, and that a hash noted before is part of it. TrailError."""
    count, last = trail.verify(connection)
    if head and not connection.execute("SELECT 1 FROM trail WHERE hash = ?", (head,)).fetchone():
        raise TrailError(f"the hash {short(head, 64)} is not in it: it was made anew since that was noted")
    noted = " It holds the hash that was noted." if head else ""
    return f"{count} rows, none altered.{noted} Note this hash elsewhere: {last or '(none yet)'}"


def export(connection: sqlite3.Connection) -> Iterator[str]:
    """Every row of the trail, one JSON object each: all that its hash is made of, so that others can prove it too."""
    # In ASCII: no terminal obeys it, and no encoding of standard output alters it.
    return (json.dumps(row._asdict()) for row in trail.walk(connection))
