"""The commands about reports: list, show, verify the trail, export it."""

import json
import sqlite3
from collections.abc import Iterator, Sequence

from server.operator.printing import CommandError, name, short, span, table, when
from server.operator.webhook_commands import next_attempt
from server.protocol import name_text, target
from server.protocol.characters import in_one_line
from server.protocol.wording import counted
from server.rules.evidence import ContextLine, Evidence
from server.rules.retries import DeliveryState
from server.rules.trail import Added, Event, Reported, SiteSaid, Withdrawn, decode
from server.storage import overview, report_rows, trail
from server.storage.overview import RecordedAttempt
from server.storage.sql import SqlConnection
from server.storage.trail import TrailError, TrailRow

MAX_NAMED = 3


def listed(connection: SqlConnection, limit: int) -> str:
    """List the latest reports, the newest first."""
    found = report_rows.latest(limit, connection)
    if not found:
        return "No reports yet."
    head = ["ID", "RECEIVED", "REPORTER", "ABOUT", "WHERE", "REASON", "STATUS"]
    return table(head, [_cells(connection, report_id) for report_id in found])


def _cells(connection: SqlConnection, report_id: str) -> list[str]:
    try:
        report = report_rows.find(report_id, connection)
    except (sqlite3.Error, ValueError):
        report = None
    if report is None:
        return [in_one_line(report_id), *["?"] * 5, "cannot be read; run `reports verify`"]
    said = report.statement
    names = [short(each, 20) for each in (name(said.reporter), name(said.about), _where(said.channel))]
    return [report.id, when(report.at), *names, short(said.reason, 24), report.status]


def show_report(connection: SqlConnection, report_id: str) -> str:
    """Show a report: content, status, trail, and deliveries with their attempts. Raises CommandError."""
    report = report_rows.find(report_id, connection)
    if report is None:
        latest = ", ".join(report_rows.latest(MAX_NAMED, connection))
        others = f"the latest are: {latest}; run `reports list` for more" if latest else "there are none yet"
        raise CommandError(f"there is no report {short(report_id)}; {others}")
    events = [(row, decode(row.content)) for row in trail.rows(connection, report_id)]
    evidence = next(event.evidence for _, event in events if isinstance(event, Reported))
    lines = [
        f"{report.id}  {report.status}" + (f"  {in_one_line(report.error)}" if report.error else ""),
        f"“{name(evidence.reporter)}” reported “{name(evidence.about)}”: {in_one_line(evidence.reason)}",
        f"  comment: {in_one_line(evidence.comment) or '-'}",
        f"  message {evidence.msg_id} in {_where(evidence.channel)}, {evidence.at:%Y-%m-%d %H:%M:%S}Z:",
        *_conversation(evidence, evidence.context),
        "",
        "Trail",
        *_history(evidence, events),
        "",
        "Deliveries",
        *_deliveries(connection, report_id),
    ]
    return "\n".join(lines)


def _history(evidence: Evidence, events: Sequence[tuple[TrailRow, Event]]) -> Iterator[str]:
    """Format the trail of a report, with the context of additions."""
    for row, event in events:
        yield f"  {row.seq}  {when(row.at)}  {_event(event)}"
        if isinstance(event, Added) and event.context:
            yield from (f"   {line}" for line in _conversation(evidence, event.context))


def _conversation(evidence: Evidence, context: Sequence[ContextLine]) -> Iterator[str]:
    """Format the reported message (>) with its context, in order."""
    said = [(line.at, " ", line.username, line.message) for line in context]
    said.append((evidence.at, ">", evidence.about, evidence.message))
    for at, mark, author, text in sorted(said, key=lambda line: line[0]):
        yield f"  {mark} {at:%H:%M:%S} {name_text.said(name(author), in_one_line(text))}"


def _where(channel: str) -> str:
    """Format a channel, or the other person of a conversation."""
    person = target.name_of(channel)
    return name_text.place(in_one_line(channel)) if person is None else target.conversation(name(person))


def _event(event: Event) -> str:
    if isinstance(event, Reported):
        return "reported"
    if isinstance(event, Added):
        return f"added: {in_one_line(event.reason)}; {in_one_line(event.comment) or '-'}"
    if isinstance(event, SiteSaid):
        return f"the site says {in_one_line(event.status)}: {in_one_line(event.note) or '-'}"
    return "withdrawn" if isinstance(event, Withdrawn) else "erased"


def _deliveries(connection: SqlConnection, report_id: str) -> Iterator[str]:
    for each in overview.deliveries_of(connection, report_id):
        due = f", next attempt {next_attempt(connection, each)}" if each.state is DeliveryState.WAITING else ""
        yield f"  {each.id}  row {each.seq} to {each.webhook}: {each.state}{due}"
        for attempted in overview.attempts(connection, each.id):
            yield f"    {when(attempted.at)}  {_attempt(attempted)}"


def _attempt(attempted: RecordedAttempt) -> str:
    outcome = in_one_line(attempted.error) or f"status {attempted.status}"
    said = f"; answer: {short(attempted.answer)}" if attempted.answer else ""
    return f"{outcome} after {span(attempted.milliseconds)}{said}"


def verify(connection: SqlConnection, head: str | None) -> str:
    """Verify the trail, and check that it contains a hash noted earlier; return a summary. Raises TrailError."""
    count, last = trail.verify(connection)
    if head and not connection.execute("SELECT 1 FROM trail WHERE hash = ?", (head,)).fetchone():
        raise TrailError(f"it does not contain the hash {short(head, 64)}: the trail was rewritten after you noted it")
    noted = " The given hash is part of it." if head else ""
    advice = f" Keep this hash somewhere else: {last}" if last else ""
    return f"{counted(count, 'row')}, none altered.{noted}{advice}"


def export(connection: SqlConnection) -> Iterator[str]:
    """Return all rows of the trail as JSON objects with all hashed fields, so that third parties can verify it."""
    # ASCII cannot control a terminal, and is the same in every encoding of standard output.
    return (json.dumps(row._asdict()) for row in trail.walk(connection))
