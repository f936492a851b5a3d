"""The trail of all reports in the database: append-only, and each row includes the hash of the one before."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from server.protocol.codes import ReportState
from server.protocol.errors import FlagpostError
from server.rules import trail
from server.rules.evidence import Evidence
from server.rules.trail import Account, Erased, Event, Reported
from server.storage.sql import SqlConnection

REPORTED, ADDED = '{"kind":"reported",%', '{"kind":"added",%'
"""LIKE patterns for rows from a reporter; json_extract would fail if a row is not valid JSON."""
ERASED = trail.encode(Erased())
BATCH = 25
"""Number of rows in memory at once."""


class TrailError(FlagpostError):
    """The stored trail is not what was written; the text says where and why."""


class TrailRow(NamedTuple):
    """A stored row of the trail; `at` is in milliseconds."""

    seq: int
    report_id: str
    at: int
    content: str
    hash: str


def append(connection: SqlConnection, report_id: str, at: int, event: Event) -> int:
    """Append an event, within the current transaction; return its seq."""
    return append_all(connection, at, [(report_id, event)])


def append_all(connection: SqlConnection, at: int, events: Iterable[tuple[str, Event]]) -> int:
    """Append events, each with the ID of its report, within the current transaction; return the last seq."""
    seq = _last_seq(connection)
    latest = connection.execute("SELECT hash FROM trail ORDER BY seq DESC LIMIT 1").fetchone()
    added, previous = list[TrailRow](), latest[0] if latest else ""
    for report_id, event in events:
        seq, content = seq + 1, trail.encode(event)
        previous = trail.chained(previous, seq, report_id, at, content)
        added.append(TrailRow(seq, report_id, at, content, previous))
    connection.executemany("INSERT INTO trail (seq, report_id, at, content, hash) VALUES (?, ?, ?, ?, ?)", added)
    return seq


def erase(connection: SqlConnection, report_ids: Sequence[str], at: int) -> None:
    """Empty the rows of reports, and append a row for each report that says so. Hashes remain, so `verify` succeeds."""
    connection.execute(
        "UPDATE trail SET content = '' WHERE report_id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(report_ids).decode(),),
    )
    append_all(connection, at, [(report_id, Erased()) for report_id in report_ids])


def report_and_event(connection: SqlConnection, report_id: str, seq: int) -> tuple[Evidence, Event]:
    """Return what was reported, and the event in the row with this seq. Raises TrailError if either is not readable."""
    query = "SELECT trail.seq, content FROM trail JOIN report ON report.id = report_id"
    ours = "WHERE report_id = ? AND trail.seq IN (report.seq, ?) ORDER BY trail.seq"
    try:
        found = {row: trail.decode(content) for row, content in connection.execute(f"{query} {ours}", (report_id, seq))}
    except msgspec.DecodeError as error:
        raise TrailError(f"row {seq} of report {report_id} cannot be read: {error}") from None
    first = next(iter(found.values()), None)
    if not isinstance(first, Reported) or seq not in found:
        raise TrailError(f"row {seq} of report {report_id}, or its first row, is missing")
    return first.evidence, found[seq]


def rows(connection: SqlConnection, report_id: str | None = None) -> list[TrailRow]:
    """Return the rows of one report, or all rows; oldest first."""
    if report_id is None:
        return [*walk(connection)]
    query = "SELECT seq, report_id, at, content, hash FROM trail WHERE report_id = ? ORDER BY seq"
    return [TrailRow(*row) for row in connection.execute(query, (report_id,))]


def account(connection: SqlConnection, report_id: str) -> Account | None:
    """Return the state of a report that results from its readable rows; None if the first one is not readable."""
    found = None
    for row in rows(connection, report_id):
        # Skip a row that was altered and cannot be read; `doctor` finds it.
        with suppress(msgspec.DecodeError):
            found = trail.account(found, row.seq, trail.decode(row.content)) or found
    return found


def walk(connection: SqlConnection) -> Iterator[TrailRow]:
    """Iterate over all rows, without loading them into memory."""
    last, query = -(2**63), "SELECT seq, report_id, at, content, hash FROM trail WHERE seq > ? ORDER BY seq LIMIT ?"
    while found := connection.execute(query, (last, BATCH)).fetchall():
        yield from (TrailRow(*row) for row in found)
        last = found[-1][0]


def verify(connection: SqlConnection) -> tuple[int, str]:
    """Verify the trail; return the number of rows and the hash of the last one ("" if there is none).

    Raises TrailError if it was altered, or does not match the stored reports and deliveries.
    """
    count, previous, accounts, emptied = 0, "", dict[str, Account](), set[str]()
    for found in walk(connection):
        count += 1
        if found.seq != count:
            raise TrailError(f"row {count} is missing; the next one is {found.seq}")
        if found.content and trail.chained(previous, *found[:4]) != found.hash:
            raise TrailError(
                f"row {count} (report {found.report_id}) does not match its hash: it, or an earlier one, was altered"
            )
        previous = found.hash
        if not found.content:
            emptied.add(found.report_id)
        elif found.content == ERASED and found.report_id in emptied:
            emptied.remove(found.report_id)
        else:
            accounts[found.report_id] = _account(accounts.get(found.report_id), found)
    if emptied:
        raise TrailError(f"rows of report {min(emptied)} are empty, and no row says that they were erased")
    last = _last_seq(connection)
    if last != count:
        raise TrailError(f"rows are missing at the end: there are {count}, and {last} were written")
    _compare(connection, accounts)
    return count, previous


def _account(before: Account | None, row: TrailRow) -> Account:
    try:
        account = trail.account(before, row.seq, trail.decode(row.content))
    except msgspec.DecodeError as error:
        raise TrailError(f"row {row.seq} (report {row.report_id}) cannot be read: {error}") from None
    if account is None:
        raise TrailError(f"row {row.seq} (report {row.report_id}) does not fit those before it")
    return account


def _compare(connection: SqlConnection, accounts: dict[str, Account]) -> None:
    """Compare the tables with the state of each report according to its rows. Raises TrailError."""
    left = set(accounts)
    query = "SELECT id, seq, reporter, reporter_identity, msg_id, status, note FROM report"
    for report_id, seq, reporter, identity, msg_id, status, note in connection.execute(query):
        known = accounts.get(report_id)
        stored = Account(
            seq,
            reporter,
            identity if known and known.identity else "",
            msg_id,
            status == ReportState.WITHDRAWN,
            # Every other status results from deliveries, also after a status from the site.
            status if status in {ReportState.SEEN, ReportState.RESOLVED} or not known else known.said,
            note,
        )
        if stored != known:
            raise TrailError(f"report {report_id} does not match its rows: they are missing, or one was altered")
        left.remove(report_id)
    _check_stored(connection, left)


def _check_stored(connection: SqlConnection, left: Iterable[str]) -> None:
    """Raise TrailError if the trail has reports that are not stored (`left`), or a reporter's row has no delivery."""
    unsent = connection.execute(
        "SELECT report_id FROM trail WHERE (content LIKE ? OR content LIKE ?)"
        # The comparison of report_id uses an index.
        " AND NOT EXISTS"
        " (SELECT 1 FROM delivery WHERE delivery.report_id = trail.report_id AND delivery.seq = trail.seq)",
        (REPORTED, ADDED),
    )
    for (report_id,) in [*((each,) for each in left), *unsent]:
        raise TrailError(f"report {report_id} is in the trail, but not among the stored reports and deliveries")


def _last_seq(connection: SqlConnection) -> int:
    """Return the last seq ever assigned, even if its row is gone."""
    (last,) = connection.execute(connection.dialect.last_trail).fetchone()
    return int(last)
