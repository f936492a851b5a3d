"""Reads messages from their rows, with reactions and earlier texts."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from server.protocol.frames import Reaction
from server.rules.messages import Person, Publication, Version
from server.storage.clock import moment
from server.storage.sql import SqlConnection

COLUMNS = (
    "id, at, author, author_identity, channel, peer, peer_identity, text, nonce, taken_back_at IS NOT NULL,"
    " reacted_at IS NOT NULL, edited_at"
)
SHOWN = (
    "id, at, author, author_identity, channel, peer, peer_identity,"
    " CASE WHEN taken_back_at IS NULL THEN text ELSE '' END, nonce, taken_back_at IS NOT NULL,"
    " taken_back_at IS NULL AND reacted_at IS NOT NULL, edited_at"
)
"""COLUMNS without the text and reactions of deleted messages, which no user may see."""
NUMBERS = "SELECT CAST(value AS BIGINT) FROM json_each(?)"
MESSAGE_BYTES = 100
"""Minimum size of a message in a frame, without its text."""
Row = tuple[int, int, str, str, str, str | None, str | None, str, str | None, int, int, int | None]
_Value = str | int
_REACTIONS = (
    "SELECT emoji, name FROM reaction WHERE msg_id = ? AND identity NOT IN (SELECT value FROM json_each(?))"
    " ORDER BY at, emoji, name"
)
_pairs = msgspec.json.Decoder(list[tuple[str, str]])


def find(msg_id: int, connection: SqlConnection) -> Publication | None:
    """Return the message with this number, or None."""
    return next(iter(_select(connection, "id = ?", (msg_id,))), None)


def find_all(msg_ids: Sequence[int], connection: SqlConnection) -> list[Publication]:
    """Return the messages with these numbers, in order; skip numbers without a message."""
    condition = f"id IN ({NUMBERS}) ORDER BY id"
    return _select(connection, condition, (json.dumps(list(msg_ids)),))


def _select(connection: SqlConnection, where: str, values: Iterable[_Value]) -> list[Publication]:
    """Return complete messages with their reactions and earlier texts."""
    rows: list[Row] = connection.execute(f"SELECT {COLUMNS} FROM message WHERE {where}", [*values]).fetchall()  # noqa: S608
    return [
        from_row(
            row,
            reactions_to(connection, row[0], ()) if row[10] else (),
            _versions(connection, row[0]) if row[11] is not None else (),
        )
        for row in rows
    ]


def _versions(connection: SqlConnection, msg_id: int) -> tuple[Version, ...]:
    rows = connection.execute("SELECT since, text FROM message_version WHERE msg_id = ? ORDER BY number", (msg_id,))
    return tuple(Version(moment(since), text) for since, text in rows)


def reactions_to(connection: SqlConnection, msg_id: int, hidden: Sequence[str]) -> tuple[Reaction, ...]:
    """Return the reactions to a message, except those of hidden people, in the order in which they were added."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    query = connection.dialect.as_array("emoji, name", _REACTIONS)
    (pairs,) = connection.execute(query, (msg_id, json.dumps(hidden))).fetchone()
    for emoji, name in _pairs.decode(pairs):
        found[emoji].append(name)
    return tuple(Reaction(*each) for each in found.items())


def from_row(row: Row, reactions: tuple[Reaction, ...] = (), versions: tuple[Version, ...] = ()) -> Publication:
    """Convert a row with COLUMNS or SHOWN to a message."""
    msg_id, at, author, author_identity, channel, peer, peer_identity, text, nonce, is_taken_back, _, edited_at = row
    return Publication(
        msg_id=msg_id,
        at=moment(at),
        author=Person(author, author_identity),
        channel=channel,
        peer=Person(peer, peer_identity or "") if peer is not None else None,
        text=text,
        nonce=nonce,
        taken_back=bool(is_taken_back),
        reactions=reactions,
        edited_at=moment(edited_at) if edited_at is not None else None,
        versions=versions,
    )
