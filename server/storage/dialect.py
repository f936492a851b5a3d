"""The few statements that SQLite and PostgreSQL do not both understand."""

from typing import NamedTuple


class SqlDialect(NamedTuple):
    """Statements in the words of one database."""

    next_message: str
    """Takes the next number of a message, and returns it."""
    last_trail: str
    """Returns the last seq of the trail ever assigned, even if its row is gone; 0 if there was none."""


SQLITE = SqlDialect(
    next_message="UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'message' RETURNING seq",
    last_trail="SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'trail'",
)
POSTGRES = SqlDialect(
    next_message="SELECT next_message()",
    last_trail="SELECT trail FROM room",
)
