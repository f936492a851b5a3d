"""The trail of all reports in the database: rows are added to its end, each bound to the one before by its hash."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from server.protocol.codes import ReportState
from server.rules import trail
from server.rules.evidence import Evidence
from server.rules.trail import Account, Event, Reported

REPORTED, ADDED = '{"kind":"reported",%', '{"kind":"added",%'
"""How rows begin that a reporter sent, for LIKE; json_extract fails where a row is no JSON."""


class TrailError(Exception):
    """The stored trail is not what was written; the text says where and why."""


class Row(NamedTuple):
    """A row as it is stored; `at` in milliseconds."""

    seq: int
    report_id: str
    at: int
    content: str
    hash: str


def append(connection: sqlite3.Connection, report_id: str, at: int, event: Event) -> int:
    """Add an event within the present transaction; its seq."""
    last = _last_seq(connection)
    previous = connection.execute("SELECT hash FROM trail ORDER BY seq DESC LIMIT 1").fetchone()
    seq, content = last + 1, trail.encode(event)
    row = Row(seq, report_id, at, content, trail.chained(previous[0] if previous else "", seq, report_id, at, content))
    connection.execute("INSERT INTO trail (seq, report_id, at, content, hash) VALUES (?, ?, ?, ?, ?)", row)
    return seq


def told_by(connection: sqlite3.Connection, report_id: str, seq: int) -> tuple[Evidence, Event]:
    """What was reported, and what the row of this seq says of it. TrailError if one of the two cannot be read."""
    query = "SELECT trail.seq, content FROM trail JOIN report ON report.id = report_id"
    ours = "WHERE report_id = ? AND trail.seq IN (report.seq, ?) ORDER BY trail.seq"
    try:
        found = {row: trail.decode(content) for row, content in connection.execute(f"{query} {ours}", (report_id, seq))}
    except msgspec.DecodeError as error:
        raise TrailError(f"what is said of report {report_id} in row {seq} cannot be read: {error}") from None
    first = next(iter(found.values()), None)
    if not isinstance(first, Reported) or seq not in found:
        raise TrailError(f"what is said of report {report_id} in row {seq}, or its first row, is not there any more")
    return first.evidence, found[seq]


def rows(connection: sqlite3.Connection, report_id: str | None = None) -> list[Row]:
    """The rows of one report, or all of them, oldest first."""
    query = "SELECT seq, report_id, at, content, hash FROM trail WHERE ?1 IS NULL OR report_id = ?1 ORDER BY seq"
    return [Row(*row) for row in connection.execute(query, (report_id,))]


def last(connection: sqlite3.Connection, report_id: str) -> str:
    """The content of the last row of a report; "" if it has none."""
    query = "SELECT content FROM trail WHERE report_id = ? ORDER BY seq DESC LIMIT 1"
    row = connection.execute(query, (report_id,)).fetchone()
    return str(row[0]) if row else ""


def walk(connection: sqlite3.Connection) -> Iterator[Row]:
    """Each row in its turn, however many there are."""
    query = "SELECT seq, report_id, at, content, hash FROM trail ORDER BY seq"
    return (Row(*row) for row in connection.execute(query))


def verify(connection: sqlite3.Connection) -> tuple[int, str]:
    """How many rows the trail has and the hash of the last ("" if there is none).

    TrailError if it was altered, or if reports and deliveries are not what it says.
    """
    count, previous, accounts = 0, "", dict[str, Account]()
    for found in walk(connection):
        count += 1
        if found.seq != count:
            raise TrailError(f"row {count} is missing: the next one that is there is {found.seq}")
        if trail.chained(previous, *found[:4]) != found.hash:
            raise TrailError(
                f"row {count} (report {found.report_id}) does not match its hash: it, or one before, was altered"
            )
        accounts[found.report_id] = _account(accounts.get(found.report_id), found)
        previous = found.hash
    last = _last_seq(connection)
    if last != count:
        raise TrailError(f"rows are missing at the end: {count} are there, {last} were written")
    _compare(connection, accounts)
    return count, previous


def _account(before: Account | None, row: Row) -> Account:
    try:
        account = trail.account(before, row.seq, trail.decode(row.content))
    except msgspec.DecodeError as error:
        raise TrailError(f"row {row.seq} (report {row.report_id}) cannot be read: {error}") from None
    if account is None:
        raise TrailError(f"row {row.seq} (report {row.report_id}) does not follow from those before it")
    return account


def _compare(connection: sqlite3.Connection, accounts: dict[str, Account]) -> None:
    """Hold the tables against what the rows come to, by report. TrailError."""
    left = set(accounts)
    query = "SELECT id, seq, reporter, reporter_identity, msg_id, status, note FROM report"
    for report_id, seq, reporter, identity, msg_id, status, note in connection.execute(query):
        known = accounts.get(report_id)
        stands = Account(
            seq,
            reporter,
            identity if known and known.identity else "",
            msg_id,
            status == ReportState.WITHDRAWN,
            # Whatever else it is follows from deliveries, also after what the site has said.
            status if status in {ReportState.SEEN, ReportState.RESOLVED} or not known else known.said,
            note,
        )
        if stands != known:
            raise TrailError(f"report {report_id} is not what its rows say: they are gone, or one of them was altered")
        left.remove(report_id)
    unsent = connection.execute(
        "SELECT report_id FROM trail WHERE (content LIKE ? OR content LIKE ?)"
        " AND seq NOT IN (SELECT seq FROM delivery)",
        (REPORTED, ADDED),
    )
    for (report_id,) in [*((each,) for each in left), *unsent]:
        raise TrailError(f"report {report_id} is in the trail, and not among what is kept and delivered")


def _last_seq(connection: sqlite3.Connection) -> int:
    """The last seq that was ever given, also if its row is gone."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'trail'").fetchone()
    return int(row[0]) if row else 0
