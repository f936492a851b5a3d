"""The keys with which people prove their identity."""

from server.protocol.proof import LoginKeys
from server.storage.sql import SqlConnection

_OLDEST = "SELECT identity FROM login_key WHERE kept = 0 AND seen_at < ?1 ORDER BY seen_at, identity LIMIT ?2"
_LEFT_SOMETHING = """
    EXISTS (SELECT 1 FROM message WHERE author_identity = login_key.identity AND nonce IS NOT NULL)
    OR EXISTS (SELECT 1 FROM message WHERE author_identity = login_key.identity AND nonce IS NULL)
    OR EXISTS (SELECT 1 FROM message WHERE peer_identity = login_key.identity AND peer IS NOT NULL)
    OR EXISTS (SELECT 1 FROM report WHERE reporter_identity = login_key.identity)
    OR EXISTS (SELECT 1 FROM hidden WHERE hidden.identity = login_key.identity)
"""


def add(identity: str, keys: LoginKeys, now: int, connection: SqlConnection) -> None:
    """Store the keys of a new person; `now` is in milliseconds."""
    connection.execute(
        "INSERT INTO login_key (identity, stored_key, server_key, seen_at) VALUES (?, ?, ?, ?)",
        (identity, *keys, now),
    )


def find(identity: str, connection: SqlConnection) -> LoginKeys | None:
    """Return the keys of an identity; None if it is not enrolled."""
    row = connection.execute("SELECT stored_key, server_key FROM login_key WHERE identity = ?", (identity,)).fetchone()
    return LoginKeys(*row) if row else None


def seen(identity: str, now: int, connection: SqlConnection) -> None:
    """Record a login, if the person has keys."""
    connection.execute("UPDATE login_key SET seen_at = ? WHERE identity = ?", (now, identity))


def sweep(connection: SqlConnection, before: int, limit: int) -> int:
    """Examine the keys of people who have not been here since `before`; return how many were examined.

    Delete the keys of people without any stored data; mark the others, so that each is examined once.
    """
    marked = connection.execute(
        f"UPDATE login_key SET kept = 1 WHERE identity IN ({_OLDEST}) AND ({_LEFT_SOMETHING})",  # noqa: S608
        (before, limit),
    )
    deleted = connection.execute(
        f"DELETE FROM login_key WHERE identity IN ({_OLDEST})",  # noqa: S608 - constants
        (before, limit - marked.rowcount),
    )
    return marked.rowcount + deleted.rowcount
