"""Bans in the database."""

from server.rules.bans import Ban
from server.storage.sql import SqlConnection


def load(now: int, connection: SqlConnection) -> list[Ban]:
    """Return the bans that have not ended, and delete the others."""
    connection.execute("DELETE FROM ban WHERE until <= ?", (now,))
    rows = connection.execute("SELECT name, identity, until, by_name FROM ban ORDER BY at")
    return [Ban(*row) for row in rows]


def add(ban: Ban, now: int, connection: SqlConnection) -> Ban:
    """Store a ban; replaces an earlier one of this name."""
    connection.execute(
        "INSERT OR REPLACE INTO ban (key, name, identity, until, by_name, at) VALUES (?, ?, ?, ?, ?, ?)",
        (ban.key, *ban, now),
    )
    return ban


def lift(key: str, connection: SqlConnection) -> None:
    """Delete the ban of a name."""
    connection.execute("DELETE FROM ban WHERE key = ?", (key,))
