"""Read markers: how far each person has read each channel and conversation, and what is unread after that."""

import json
from collections.abc import Iterator
from contextlib import closing
from functools import cache

import msgspec

from server.protocol import names, target
from server.protocol.frames import MAX_UNREAD, PlaceEntry
from server.protocol.mentions import mentions
from server.storage.base import MAX_PAGE_BYTES, Marker, Reader
from server.storage.dialect import SqlDialect
from server.storage.sql import SqlConnection, Value

MAX_CONVERSATIONS = 200
"""Maximum number of conversations that are listed, the latest ones."""
MAX_PARTNERS = 1_000
"""Maximum number of senders, and of recipients, among whom to look for the latest conversations."""
MAX_SCANNED = 200
"""Maximum number of unread messages of a channel that are examined, the newest first."""

LAST_IN_CHANNEL = "SELECT max(id) FROM message WHERE peer IS NULL AND channel = ? AND id <= ?"
LAST_SENT = "SELECT max(id) FROM message WHERE peer IS NOT NULL AND author_identity = ? AND peer_key = ? AND id <= ?"
LAST_RECEIVED = (
    "SELECT max(id) FROM message WHERE peer IS NOT NULL AND peer_identity = ? AND author_key = ? AND id <= ?"
)
UPDATE = """
INSERT INTO read_marker (identity, place, msg_id, closed_at) VALUES (?, ?, ?, ?)
ON CONFLICT (identity, place) DO UPDATE SET
    msg_id = CASE WHEN excluded.msg_id > read_marker.msg_id THEN excluded.msg_id ELSE read_marker.msg_id END,
    closed_at = CASE
        WHEN excluded.closed_at > read_marker.closed_at THEN excluded.closed_at ELSE read_marker.closed_at
    END
WHERE excluded.msg_id > read_marker.msg_id OR excluded.closed_at > read_marker.closed_at
"""
_START = "CASE WHEN msg_id > :start THEN msg_id ELSE :start END"
_UNREAD = "taken_back_at IS NULL AND author_identity != :me AND author_identity NOT IN (SELECT value FROM hidden)"
_HIDDEN = "hidden (value) AS MATERIALIZED (SELECT value FROM json_each(:hidden))"
CHANNELS = f"""
SELECT place, last, start, (
    SELECT count(*) FROM (
        SELECT author_identity, taken_back_at FROM message
        WHERE peer IS NULL AND channel = place AND id > start AND id < :before ORDER BY id DESC LIMIT :scanned
    ) AS scanned WHERE {_UNREAD}
) AS unread FROM (
    SELECT value AS place, {_START} AS start,
        (SELECT max(id) FROM message WHERE peer IS NULL AND channel = value AND id < :before) AS last
    FROM json_each(:channels) LEFT JOIN read_marker ON identity = :me AND read_marker.place = value
) AS channels WHERE last IS NOT NULL
"""  # noqa: S608 - constants
CONVERSATIONS = f"""
SELECT '@' || other AS place, last, start, (
    SELECT count(*) FROM (
        SELECT author_identity, taken_back_at FROM message
        WHERE peer IS NOT NULL AND peer_identity = :me AND author_key = key AND id > start AND id < :before
        ORDER BY id DESC LIMIT :scanned
    ) AS scanned WHERE {_UNREAD}
) AS unread FROM (
    SELECT key, last, CASE WHEN author_identity = :me THEN peer ELSE author END AS other, {_START} AS start
    FROM (SELECT key, last FROM newest ORDER BY last DESC LIMIT :conversations) AS latest
    CROSS JOIN message LEFT JOIN read_marker ON identity = :me AND place = '@' || key
    WHERE message.id = last AND last > coalesce(closed_at, 0) AND CASE
        WHEN author_identity = :me THEN peer_identity ELSE author_identity
    END NOT IN (SELECT value FROM hidden)
    ORDER BY last DESC
) AS conversations
"""  # noqa: S608 - constants
# Both indices end with the number of the message, so each key is found with one look-up: the next one after the last.
PARTNERS = f"""
WITH RECURSIVE {_HIDDEN},
sent (key, count) AS (
    SELECT min(peer_key), 1 FROM message WHERE peer IS NOT NULL AND author_identity = :me
    UNION ALL SELECT (
        SELECT min(peer_key) FROM message WHERE peer IS NOT NULL AND author_identity = :me AND peer_key > key
    ), count + 1 FROM sent WHERE key IS NOT NULL AND count < :partners
),
received (key, count) AS (
    SELECT min(author_key), 1 FROM message WHERE peer IS NOT NULL AND peer_identity = :me
    UNION ALL SELECT (
        SELECT min(author_key) FROM message WHERE peer IS NOT NULL AND peer_identity = :me AND author_key > key
    ), count + 1 FROM received WHERE key IS NOT NULL AND count < :partners
),
latest (key) AS (
    SELECT author_key FROM message WHERE peer IS NOT NULL AND peer_identity = :me ORDER BY id DESC LIMIT :scanned
),
newest (key, last) AS (
    SELECT key, coalesce((
        SELECT max(id) FROM (
            SELECT max(id) AS id FROM message
            WHERE peer IS NOT NULL AND author_identity = :me AND peer_key = key AND id < :before
            UNION ALL SELECT max(id) FROM message
            WHERE peer IS NOT NULL AND peer_identity = :me AND author_key = key AND id < :before
        ) AS sides
    ), 0) FROM (SELECT key FROM sent UNION SELECT key FROM received UNION SELECT key FROM latest) AS partners
    WHERE key IS NOT NULL
)
"""  # noqa: S608 - constants
TEXTS = """
SELECT text FROM (
    SELECT author_identity, text, taken_back_at FROM message
    WHERE peer IS NULL AND channel = ? AND id > ? AND id < ? ORDER BY id DESC LIMIT ?
) AS scanned
WHERE taken_back_at IS NULL AND author_identity != ? AND author_identity NOT IN (SELECT value FROM json_each(?))
"""

_entries = msgspec.json.Decoder(list[tuple[str, int, int, int]])


def update(identity: str, marker: Marker, connection: SqlConnection) -> Marker | None:
    """Move a marker forward to the last message up to its number; return what is stored, None if nothing changed.

    A place without messages has no marker, so that nobody can store an unlimited number of markers.
    """
    last = _last(identity, marker, connection)
    if last is None:
        return None
    values = identity, _place(marker.channel), last, last if marker.closed else 0
    changed = connection.execute(UPDATE, values).rowcount
    return marker._replace(msg_id=last) if changed else None


def places(reader: Reader, before: int, connection: SqlConnection) -> list[PlaceEntry]:
    """Return the channels that have messages below `before`, and the reader's latest conversations."""
    identity = reader.person.identity
    values: dict[str, Value] = {
        "me": identity,
        "hidden": json.dumps(reader.hidden),
        "channels": json.dumps(list(reader.channels)),
        "before": before,
        "start": _start(identity, connection),
        "scanned": MAX_SCANNED,
        "partners": MAX_PARTNERS,
        "conversations": MAX_CONVERSATIONS,
    }
    in_channels, in_conversations = _queries(connection.dialect)
    (public,) = connection.execute(in_channels, values).fetchone()
    (direct,) = connection.execute(in_conversations, values).fetchone()
    named = _Mentions(reader, before, connection)
    return [
        PlaceEntry(channel, last, read, min(unread, MAX_UNREAD), named.count(channel, read) if unread else 0)
        for channel, last, read, unread in _entries.decode(public)
    ] + [
        PlaceEntry(channel, last, read, min(unread, MAX_UNREAD))
        for channel, last, read, unread in _entries.decode(direct)
    ]


@cache
def _queries(dialect: SqlDialect) -> tuple[str, str]:
    """Return the queries for channels and for conversations, each of which returns one array."""
    columns = "place, last, start, unread"
    channels, conversations = (dialect.as_array(columns, query) for query in (CHANNELS, CONVERSATIONS))
    return f"WITH {_HIDDEN} {channels}", f"{PARTNERS} {conversations}"


class _Mentions:
    """Counts unread messages that name the reader, until it has read MAX_PAGE_BYTES of text."""

    def __init__(self, reader: Reader, before: int, connection: SqlConnection) -> None:
        self._reader = reader
        self._before = before
        self._connection = connection
        self._left = MAX_PAGE_BYTES

    def count(self, channel: str, after: int) -> int:
        return sum(mentions(text, [self._reader.person.name]) for text in self._texts(channel, after))

    def _texts(self, channel: str, after: int) -> Iterator[str]:
        bounds = after, self._before, MAX_SCANNED
        values = channel, *bounds, self._reader.person.identity, json.dumps(self._reader.hidden)
        with closing(self._connection.execute(TEXTS, values)) as rows:
            for (text,) in rows:
                self._left -= len(text.encode())
                if self._left < 0:
                    return
                yield text


def _start(identity: str, connection: SqlConnection) -> int:
    """Return the number of the last message before a person first joined: everything up to it counts as read."""
    row = connection.execute("SELECT read_from FROM person WHERE identity = ?", (identity,)).fetchone()
    (newest,) = row or connection.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()
    return int(newest)


def _last(identity: str, marker: Marker, connection: SqlConnection) -> int | None:
    other = target.name_of(marker.channel)
    if other is None:
        return _number(connection, LAST_IN_CHANNEL, (marker.channel, marker.msg_id))
    values = identity, names.key(other), marker.msg_id
    sides = [_number(connection, query, values) for query in (LAST_SENT, LAST_RECEIVED)]
    return max((each for each in sides if each is not None), default=None)


def _number(connection: SqlConnection, query: str, values: tuple[str | int, ...]) -> int | None:
    (found,) = connection.execute(query, values).fetchone()
    return None if found is None else int(found)


def _place(channel: str) -> str:
    """Return the same key for all spellings of a conversation."""
    other = target.name_of(channel)
    return channel if other is None else target.conversation(names.key(other))
