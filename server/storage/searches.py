"""Searches in the database: candidates from the index, newest first, of which readable ones that match are kept."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import cast

from server.protocol import names, target
from server.protocol.mentions import mentions
from server.rules.search import TOKEN_CHARS
from server.storage.base import Found, Reader, Search
from server.storage.clock import milliseconds
from server.storage.history import IN_CHANNEL, MAX_SCANNED, NEWEST, NOT_HIDDEN, READABLE, fitting, readable
from server.storage.message_rows import SHOWN, Row
from server.storage.sql import Rows, SqlConnection

MAX_MISSES = 1_000
"""Maximum number of false positives of the index in a search: texts that contain all tokens, but not the words."""
ALL = "SELECT id AS found FROM message WHERE id > ? AND id < ?"
TEXT = 7
"""The index of the text in a Row."""
ORDER = " ORDER BY found DESC LIMIT ?"

_Value = str | int


def search(reader: Reader, search: Search, connection: SqlConnection) -> Found:
    """Return the newest readable messages that match, of the MAX_SCANNED newest candidates or fewer: see MAX_MISSES."""
    with connection.snapshot():
        return _search(reader, search, connection)


def _search(reader: Reader, search: Search, connection: SqlConnection) -> Found:
    among, bounds = _candidates(search, connection)
    condition, values = _condition(reader, search)
    words = _containing(search.query.words)
    # In the order of the candidates, so that reading stops at the last message that is sent.
    ordered = (
        f"SELECT {SHOWN}, {words} FROM ({among}{ORDER}) AS candidates CROSS JOIN message"  # noqa: S608 - ours
        f" WHERE id = found AND {condition} {connection.dialect.in_order} LIMIT ?"
    )
    matching = _Matching(search.query.mention)
    most = search.limit + MAX_MISSES
    with closing(connection.execute(ordered, (*search.query.words, *bounds, MAX_SCANNED, *values, most))) as rows:
        page = fitting(matching.of(rows), search.limit, reader, connection)
    if page.more:
        return Found(page)
    return Found(page, matching.given_up_at or _last_candidate(among, bounds, connection))


class _Matching:
    """The rows that contain the words; the index only knows about their tokens."""

    def __init__(self, mention: str | None) -> None:
        self._mention = mention
        self.given_up_at = 0
        """The number of the message at which the search gave up, after MAX_MISSES; 0 if it did not."""

    def of(self, rows: Rows) -> Iterator[Row]:
        misses = 0
        for *row, matches in rows:
            if matches and (self._mention is None or mentions(row[TEXT], [self._mention])):
                yield cast(Row, tuple(row))
                continue
            misses += 1
            if misses == MAX_MISSES:
                self.given_up_at = row[0]
                return


def _candidates(search: Search, connection: SqlConnection) -> tuple[str, list[_Value]]:
    """Return the query for messages that may match, without its order, and its values."""
    query = search.query
    after, before = _bounds(search, connection)
    if not query.indexed:
        return ALL, [after, before]
    return connection.dialect.candidates(query, after, before)


def _containing(words: Sequence[str]) -> str:
    return " AND ".join("instr(folded, ?) > 0" for _ in words) or "1 = 1"


def _bounds(search: Search, connection: SqlConnection) -> tuple[int, int]:
    """Return the numbers between which messages may match, both excluded."""
    query = search.query
    after = _number_since(query.after, connection) - 1 if query.after else 0
    before = min(search.before or NEWEST, _number_since(query.before, connection) if query.before else NEWEST)
    return after, before


def _condition(reader: Reader, search: Search) -> tuple[str, list[_Value]]:
    condition = f"taken_back_at IS NULL AND {READABLE} AND {NOT_HIDDEN}"
    values: list[_Value] = [*readable(reader), json.dumps(reader.hidden)]
    other = target.name_of(search.channel)
    if other is not None:
        condition += " AND peer IS NOT NULL AND ? IN (author_key, peer_key)"
        values.append(names.key(other))
    elif search.channel:
        condition += f" AND {IN_CHANNEL}"
        values.append(search.channel)
    if search.query.author is not None:
        condition += " AND author_key = ?"
        values.append(names.key(search.query.author))
    if search.query.mention is not None:
        condition += " AND author_identity != ?"
        values.append(reader.person.identity)
    # Short words are not in the index, so they do not count as its false positives.
    for word in search.query.words:
        if len(word) < TOKEN_CHARS:
            condition += " AND instr(folded, ?) > 0"
            values.append(word)
    return condition, values


def _last_candidate(among: str, bounds: list[_Value], connection: SqlConnection) -> int:
    """Return the number of the last candidate that was examined; 0 if all were."""
    query = f"SELECT found FROM ({among}{ORDER} OFFSET ?) AS candidates"  # noqa: S608 - ours
    row = connection.execute(query, (*bounds, 1, MAX_SCANNED - 1)).fetchone()
    return int(row[0]) if row else 0


def _number_since(at: datetime, connection: SqlConnection) -> int:
    """Return the number of the first message since a time: numbers grow with time, so it is found by bisection."""
    wanted, (low, high) = (
        milliseconds(at),
        connection.execute("SELECT 1, coalesce(max(id), 0) + 1 FROM message").fetchone(),
    )
    while low < high:
        middle = (low + high) // 2
        row = connection.execute("SELECT id, at FROM message WHERE id >= ? ORDER BY id LIMIT 1", (middle,)).fetchone()
        if row and row[1] < wanted:
            low = row[0] + 1
        else:
            high = middle
    return int(low)
