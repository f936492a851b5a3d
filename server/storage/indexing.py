"""Brings the search index up to date after commits, and removes erased texts from it.

This work is done in short steps, each a transaction, so that messages do not have to wait.
"""

import sqlite3
import time
from enum import IntEnum

BATCH = 1_000
"""Number of messages indexed in a step, about 8 ms. Each costs a tenth of what it would cost in its own commit."""
PAGES = 50
"""Number of pages of the index written in a step that removes erased texts, about 10 ms."""
PAUSE_SECONDS = 0.01
"""Pause between two steps of `finish`, in which the server can write."""
READER_SECONDS = 5.0
"""How long `finish` waits for readers of an earlier state of the file."""


class Traces(IntEnum):
    """Places where parts of erased texts may remain; stored in the column `traces`."""

    NONE = 0
    IN_INDEX = 1
    """Deleting from an FTS5 index adds a mark; what is deleted stays until its segment is merged with later ones."""
    MERGING = 2
    IN_LOG = 3
    """Only in the file of the write-ahead log."""


def step(connection: sqlite3.Connection) -> bool:
    """Index the next messages, or else remove some of the erased texts; return whether there is more to do."""
    return _index(connection) or _purge(connection) is not Traces.NONE


def finish(connection: sqlite3.Connection) -> bool:
    """Run all steps; return False if a reader of an earlier state of the file keeps the log from being emptied."""
    end = 0.0
    while step(connection) or not _empty_log(connection):
        if _traces(connection) in {Traces.NONE, Traces.IN_LOG}:
            end = end or time.monotonic() + READER_SECONDS
            if time.monotonic() > end:
                return False
        time.sleep(PAUSE_SECONDS)
    return True


def _index(connection: sqlite3.Connection) -> bool:
    """Index the next messages; return whether there may be more."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (up_to,) = connection.execute("SELECT up_to FROM search_index").fetchone()
        following = "SELECT max(id), count(*) FROM (SELECT id FROM message WHERE id > ? ORDER BY id LIMIT ?)"
        last, count = connection.execute(following, (up_to, BATCH)).fetchone()
        if count:
            connection.execute(
                "INSERT INTO message_text (rowid, folded) SELECT id, folded FROM message"
                " WHERE id > ? AND id <= ? AND taken_back_at IS NULL",
                (up_to, last),
            )
            connection.execute("UPDATE search_index SET up_to = ?", (last,))
    return bool(count == BATCH)


def _purge(connection: sqlite3.Connection) -> Traces:
    """Merge a part of the index, which drops deleted texts, or empty the log; return the remaining traces."""
    traces = _traces(connection)
    if traces in {Traces.IN_INDEX, Traces.MERGING}:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            # Read again: another process may have erased more.
            begin = _traces(connection) is Traces.IN_INDEX
            before = connection.total_changes
            # A negative number begins to merge all segments into one, a positive one continues.
            merge = "INSERT INTO message_text (message_text, rank) VALUES ('merge', ?)"
            connection.execute(merge, (-PAGES if begin else PAGES,))
            # According to FTS5's documentation, fewer than two changes mean that nothing was left to merge.
            traces = Traces.MERGING if connection.total_changes - before > 1 else Traces.IN_LOG
            connection.execute("UPDATE search_index SET traces = ?", (traces,))
    elif traces is Traces.IN_LOG and _empty_log(connection):
        connection.execute("UPDATE search_index SET traces = 0 WHERE traces = ?", (traces,))
        traces = _traces(connection)
    return traces


def _traces(connection: sqlite3.Connection) -> Traces:
    return Traces(connection.execute("SELECT traces FROM search_index").fetchone()[0])


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Move everything from the write-ahead log to the database; return False if a reader or writer prevents it now."""
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
    return not busy
