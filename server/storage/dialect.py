"""The few statements that SQLite and PostgreSQL do not both understand."""

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from server.rules.search import TOKEN_CHARS, Query

APPLICATION_ID = 0x466C6167
"""Identifies a SQLite file of Flagpost to other programs, and to `file`: "Flag" in ASCII."""

Candidates = tuple[str, list[str | int]]
"""A query that returns numbers of messages in the column `found`, and its values."""


class SqlDialect(NamedTuple):
    """The statements of one kind of database."""

    next_message: str
    """Assigns and returns the number of the next message."""
    last_trail: str
    """Returns the last seq of the trail ever assigned, even if its row is gone; 0 if there was none."""
    touch: str
    """Writes without changing anything. In SQLite, an UPDATE to the same value would not write."""
    claim: str
    """Claims a place in the room in one call, see `presence.enter`; empty if that requires several statements."""
    as_array: Callable[[str, str], str]
    """Returns a query for the rows of an ordered query, with the given columns, as one JSON array of arrays.

    If SQLite's reader thread read the rows one by one, it would release and reacquire the GIL for each.
    """
    candidates: Callable[[Query, int, int], Candidates]
    """Returns the query for messages that may contain the words, numbered between two bounds, both excluded."""
    in_order: str
    """The ORDER BY clause that sorts messages like the candidates to which they are joined; empty if none is needed."""


def _matching(query: Query, after: int, before: int) -> Candidates:
    # Scan the messages that are not in the index yet, see `indexing`.
    words = "".join(" AND instr(folded, ?) > 0" for _ in query.words)
    behind = (
        "SELECT id AS found FROM message WHERE id > (SELECT up_to FROM search_index) AND id > ? AND id < ?"  # noqa: S608
        f" AND taken_back_at IS NULL{words}"
    )
    indexed = "SELECT rowid AS found FROM message_text WHERE message_text MATCH ? AND rowid > ? AND rowid < ?"
    return f"{behind} UNION ALL {indexed}", [after, before, *query.words, query.indexed, after, before]


_INDEXED = re.compile(r"[^\W_]{3}")
"""A part that pg_trgm can look up: three letters or digits in a row. Other words would make it scan the whole index."""
_ESCAPES = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


def _like(query: Query, after: int, before: int) -> Candidates:
    words = [word for word in query.words if len(word) >= TOKEN_CHARS]
    indexed = [word for word in words if _INDEXED.search(word)]
    others = [word for word in words if word not in indexed]
    read = "".join(" AND instr(folded, ?) > 0" for _ in others)
    if not indexed:
        return f"SELECT id AS found FROM message WHERE id > ? AND id < ?{read}", [after, before, *others]  # noqa: S608
    patterns = [f"%{word.translate(_ESCAPES)}%" for word in indexed]
    likes = " AND ".join("folded LIKE ?" for _ in indexed)
    # OFFSET 0 makes the planner use the index of texts: it cannot know that the bounds exclude few messages.
    matching = f"SELECT id AS found FROM message WHERE {likes}{read} OFFSET 0"  # noqa: S608
    bounded = f"SELECT found FROM ({matching}) AS matching WHERE found > ? AND found < ?"  # noqa: S608
    return bounded, [*patterns, *others, after, before]


SQLITE = SqlDialect(
    next_message="UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'message' RETURNING seq",
    last_trail="SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'trail'",
    touch=f"PRAGMA application_id = {APPLICATION_ID}",
    claim="",
    as_array=cache("SELECT json_group_array(json_array({})) FROM ({}) AS ordered".format),
    candidates=_matching,
    # An ORDER BY would read all candidates first; a CROSS JOIN keeps their order.
    in_order="",
)
POSTGRES = SqlDialect(
    next_message="SELECT next_message()",
    last_trail="SELECT trail FROM room",
    touch="UPDATE room SET trail = trail",
    claim="SELECT * FROM claim(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    as_array=cache("SELECT coalesce(json_agg(json_build_array({}))::text, '[]') FROM ({}) AS ordered".format),
    candidates=_like,
    in_order="ORDER BY found DESC",
)
