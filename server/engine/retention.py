"""What is not kept for ever: the text of messages that were taken back, and the log of attempts."""

import sqlite3

DAY_MILLISECONDS = 24 * 3600 * 1000
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
    return BATCH in {texts.rowcount, attempts.rowcount}
