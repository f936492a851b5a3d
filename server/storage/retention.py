"""Deletes expired data: messages, reports, bans, texts of deleted messages, attempts, and people not seen for long."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from server.storage import bans, direct_messages, held_names, login_keys, messages, trail, withheld
from server.storage.events import ReportDeleted
from server.storage.people import MAX_KNOWN
from server.storage.sql import SqlConnection

DAY_MILLISECONDS = 24 * 3600 * 1000
KEY_DAYS = 90
"""Days for which the login keys of people without any other data are kept."""
BATCH = 1000
"""Number of rows per transaction, so that other writes do not wait long."""
REPORT_BATCH = 100
"""Number of reports per transaction. Each has rows in several tables, so deleting one takes as long as ten rows."""


class KeptDays(NamedTuple):
    """The number of days for which data is kept; for messages and reports, 0 means forever."""

    evidence: int
    delivery_log: int
    messages: int = 0
    reports: int = 0
    names: int = 0
    direct: int = 0
    keeps_direct: bool = True


def sweep(connection: SqlConnection, now: int, days: KeptDays) -> bool:
    """Delete one batch of expired data; return whether there may be more. `now` is in milliseconds."""
    deleted = (
        _erase_texts(connection, now - days.evidence * DAY_MILLISECONDS),
        _delete_attempts(connection, now - days.delivery_log * DAY_MILLISECONDS),
        _delete_people(connection),
        login_keys.sweep(connection, now - KEY_DAYS * DAY_MILLISECONDS, BATCH),
        _delete_messages(connection, now - days.messages * DAY_MILLISECONDS) if days.messages else 0,
        _delete_direct(connection, now, days),
        withheld.sweep(connection, now, BATCH),
        held_names.sweep(connection, now - days.names * DAY_MILLISECONDS, BATCH),
        bans.sweep(connection, now, BATCH),
    )
    reports = _delete_reports(connection, now - days.reports * DAY_MILLISECONDS, now) if days.reports else 0
    return BATCH in deleted or reports == REPORT_BATCH


def _erase_texts(connection: SqlConnection, before: int) -> int:
    """Erase the texts of messages that were deleted before a time; return how many."""
    return connection.execute(
        "UPDATE message SET text = '' WHERE id IN"
        " (SELECT id FROM message WHERE taken_back_at < ? AND text != '' LIMIT ?)",
        (before, BATCH),
    ).rowcount


def _delete_attempts(connection: SqlConnection, before: int) -> int:
    return connection.execute(
        "DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE at < ? LIMIT ?)", (before, BATCH)
    ).rowcount


def _delete_people(connection: SqlConnection) -> int:
    """Delete people who are no longer known, with their read markers."""
    unknown = "identity IN (SELECT identity FROM person ORDER BY seen_at DESC LIMIT ? OFFSET ?)"
    connection.execute(f"DELETE FROM read_marker WHERE {unknown}", (BATCH, MAX_KNOWN))  # noqa: S608 - constant
    return connection.execute(f"DELETE FROM person WHERE {unknown}", (BATCH, MAX_KNOWN)).rowcount  # noqa: S608 - constant


def _delete_messages(connection: SqlConnection, before: int) -> int:
    # The lowest numbers are the oldest messages, so that no other rows are read.
    oldest = "SELECT id, at FROM message ORDER BY id LIMIT ?"
    expired = [msg_id for msg_id, at in connection.execute(oldest, (BATCH,)) if at < before]
    messages.delete(expired, connection)
    return len(expired)


def _delete_direct(connection: SqlConnection, now: int, days: KeptDays) -> int:
    if days.keeps_direct:
        expired = now - days.direct * DAY_MILLISECONDS
        return direct_messages.sweep(connection, expired, BATCH) if days.direct else 0
    waiting = now - (days.direct or direct_messages.WAITING_DAYS) * DAY_MILLISECONDS
    found = direct_messages.sweep_delivered(connection, BATCH), direct_messages.sweep(connection, waiting, BATCH)
    return max(found)


def _delete_reports(connection: SqlConnection, before: int, now: int) -> int:
    """Delete a batch of reports that need no more deliveries and have not changed since `before`."""
    query = (
        "SELECT report.id FROM report JOIN trail ON trail.seq = report.seq"
        " WHERE trail.at < ?1 AND status NOT IN ('received', 'waiting')"
        " AND NOT EXISTS (SELECT 1 FROM trail WHERE report_id = report.id AND at >= ?1)"
        " AND NOT EXISTS (SELECT 1 FROM delivery WHERE report_id = report.id AND state = 'waiting') LIMIT ?2"
    )
    expired = [row[0] for row in connection.execute(query, (before, REPORT_BATCH))]
    if expired:
        _delete(connection, expired, now)
    return len(expired)


def _delete(connection: SqlConnection, report_ids: Sequence[str], now: int) -> None:
    trail.erase(connection, report_ids, now)
    ids = (msgspec.json.encode(report_ids).decode(),)
    theirs = "SELECT id FROM delivery WHERE report_id IN (SELECT value FROM json_each(?))"
    connection.execute(f"DELETE FROM attempt WHERE delivery_id IN ({theirs})", ids)  # noqa: S608 - constant
    connection.execute("DELETE FROM delivery WHERE report_id IN (SELECT value FROM json_each(?))", ids)
    connection.execute("DELETE FROM report WHERE id IN (SELECT value FROM json_each(?))", ids)
    for report_id in report_ids:
        connection.announce(ReportDeleted(report_id))
