"""Bans in the database."""

import sqlite3

from server.rules.bans import Ban


def load(now: int, connection: sqlite3.Connection) -> list[Ban]:
    """Return the bans that have not ended, and delete the others."""
    connection.execute("DELETE FROM ban WHERE until <= ?", (now,))
    rows = connection.execute("SELECT name, identity, until, by_name FROM ban ORDER BY at")
    return [Ban(*row) for row in rows]


def add(ban: Ban, now: int, connection: sqlite3.Connection) -> Ban:
    """Store a ban; replaces an earlier one of this name."""
    connection.execute(
        "INSERT OR REPLACE INTO ban (key, name, identity, until, by_name, at) VALUES (?, ?, ?, ?, ?, ?)",
        (ban.key, *ban, now),
    )
    return ban


def lift(key: str, connection: sqlite3.Connection) -> None:
    """Delete the ban of a name."""
    connection.execute("DELETE FROM ban WHERE key = ?", (key,))
