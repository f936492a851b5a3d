"""Deletes expired data: the text of deleted messages, the log of attempts, and people not seen for long."""

import sqlite3

from server.storage import login_keys
from server.storage.people import MAX_KNOWN

DAY_MILLISECONDS = 24 * 3600 * 1000
KEY_DAYS = 90
"""Days for which the login keys of people without any other data are kept."""
BATCH = 1000
"""Rows per transaction, so that other writes need not wait long."""


def sweep(connection: sqlite3.Connection, now: int, evidence_days: int, log_days: int) -> bool:
    """Delete one batch of expired data; return whether there may be more. `now` is in milliseconds."""
    texts = connection.execute(
        "UPDATE message SET text = '' WHERE id IN"
        " (SELECT id FROM message WHERE taken_back_at < ? AND text != '' LIMIT ?)",
        (now - evidence_days * DAY_MILLISECONDS, BATCH),
    )
    attempts = connection.execute(
        "DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE at < ? LIMIT ?)",
        (now - log_days * DAY_MILLISECONDS, BATCH),
    )
    unknown = "identity IN (SELECT identity FROM person ORDER BY seen_at DESC LIMIT ? OFFSET ?)"
    connection.execute(f"DELETE FROM read_marker WHERE {unknown}", (BATCH, MAX_KNOWN))  # noqa: S608 - constant
    people = connection.execute(f"DELETE FROM person WHERE {unknown}", (BATCH, MAX_KNOWN))  # noqa: S608 - constant
    keys = login_keys.sweep(connection, now - KEY_DAYS * DAY_MILLISECONDS, BATCH)
    return BATCH in {texts.rowcount, attempts.rowcount, people.rowcount, keys}
