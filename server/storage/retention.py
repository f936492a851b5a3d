"""What is not kept for ever: the text of messages that were taken back, the log of attempts, who was here long ago."""

import sqlite3

from server.storage import login_keys
from server.storage.people import MAX_KNOWN

DAY_MILLISECONDS = 24 * 3600 * 1000
KEY_DAYS = 90
"""How long the login keys are kept of a person who left nothing else behind."""
BATCH = 1000
"""Rows of one transaction, so that nobody waits long for it."""


def sweep(connection: sqlite3.Connection, now: int, evidence_days: int, log_days: int) -> bool:
    """Let go of one batch of what is older; `now` in milliseconds. Whether there may be more."""
    texts = connection.execute(
        "UPDATE message SET text = '' WHERE id IN"
        " (SELECT id FROM message WHERE taken_back_at < ? AND text != '' LIMIT ?)",
        (now - evidence_days * DAY_MILLISECONDS, BATCH),
    )
    attempts = connection.execute(
        "DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE at < ? LIMIT ?)",
        (now - log_days * DAY_MILLISECONDS, BATCH),
    )
    people = connection.execute(
        "DELETE FROM person WHERE identity IN (SELECT identity FROM person ORDER BY seen_at DESC LIMIT ? OFFSET ?)",
        (BATCH, MAX_KNOWN),
    )
    keys = login_keys.sweep(connection, now - KEY_DAYS * DAY_MILLISECONDS, BATCH)
    return BATCH in {texts.rowcount, attempts.rowcount, people.rowcount, keys}
