"""The trail of all reports in the database: rows are added to its end, each bound to the one before by its hash."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from server.rules import trail
from server.rules.trail import Event

_UNLIKE = """
SELECT id FROM report LEFT JOIN trail USING (seq) WHERE report_id IS NOT id
OR json_extract(content, '$.evidence.msg_id') IS NOT msg_id
OR json_extract(content, '$.evidence.reporter') IS NOT reporter
UNION ALL
SELECT report_id FROM trail WHERE json_extract(content, '$.kind') = 'reported' AND seq NOT IN (SELECT seq FROM report)
"""
"""Reports whose first row is not there or says something else, and first rows without a report."""


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


def rows(connection: sqlite3.Connection, report_id: str | None = None) -> list[Row]:
    """The rows of one report, or all of them, oldest first."""
    query = "SELECT seq, report_id, at, content, hash FROM trail WHERE ?1 IS NULL OR report_id = ?1 ORDER BY seq"
    return [Row(*row) for row in connection.execute(query, (report_id,))]


def walk(connection: sqlite3.Connection) -> Iterator[Row]:
    """Each row in its turn, however many there are."""
    query = "SELECT seq, report_id, at, content, hash FROM trail ORDER BY seq"
    return (Row(*row) for row in connection.execute(query))


def verify(connection: sqlite3.Connection) -> tuple[int, str]:
    """How many rows the trail has and the hash of the last ("" if there is none). TrailError if it was altered."""
    count, previous = 0, ""
    for found in walk(connection):
        count += 1
        if found.seq != count:
            raise TrailError(f"row {count} is missing: the next one that is there is {found.seq}")
        if trail.chained(previous, *found[:4]) != found.hash:
            raise TrailError(
                f"row {count} (report {found.report_id}) does not match its hash: it, or one before, was altered"
            )
        previous = found.hash
    last = _last_seq(connection)
    if last != count:
        raise TrailError(f"rows are missing at the end: {count} are there, {last} were written")
    for (report_id,) in connection.execute(_UNLIKE):
        raise TrailError(f"report {report_id} is not what its row says: one of them is gone, or was altered")
    return count, previous


def _last_seq(connection: sqlite3.Connection) -> int:
    """The last seq that was ever given, also if its row is gone."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'trail'").fetchone()
    return int(row[0]) if row else 0
