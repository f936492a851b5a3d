"""Bans in the database."""

from server.rules.bans import Ban
from server.storage.events import BanLifted, Banned
from server.storage.sql import SqlConnection


def load(connection: SqlConnection) -> list[Ban]:
    """Delete the bans that have ended, and return the rest."""
    connection.execute("DELETE FROM ban WHERE until <= ?", (connection.now,))
    rows = connection.execute("SELECT name, identity, until, by_name FROM ban ORDER BY at")
    return [Ban(*row) for row in rows]


def sweep(connection: SqlConnection, now: int, limit: int) -> int:
    """Delete a batch of bans that have ended; return their number."""
    ended = "SELECT key FROM ban WHERE until <= ? LIMIT ?"
    return connection.execute(f"DELETE FROM ban WHERE key IN ({ended})", (now, limit)).rowcount  # noqa: S608


def add(ban: Ban, connection: SqlConnection) -> Ban:
    """Store and announce a ban, which replaces an earlier ban of this name."""
    connection.execute(
        "INSERT INTO ban (key, name, identity, until, by_name, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        " ON CONFLICT (key) DO UPDATE SET name = ?2, identity = ?3, until = ?4, by_name = ?5, at = ?6",
        (ban.key, *ban, connection.now),
    )
    connection.announce(Banned(ban))
    return ban


def lift(ban: Ban, connection: SqlConnection) -> None:
    """Delete a ban, and announce that."""
    connection.execute("DELETE FROM ban WHERE key = ?", (ban.key,))
    connection.announce(BanLifted(ban.name))
