"""Messages in the database, and what stands under them."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence

from server.engine.base import Page, Published, Reader
from server.engine.clock import moment
from server.protocol.frames import Reaction
from server.rules import names
from server.rules.publications import Draft, Person, Publication, check_takeback
from server.rules.reactions import ReactionChange, check_reaction
from server.rules.search import Query

COLUMNS = "id, at, author, author_identity, channel, peer, peer_identity, text, nonce, taken_back_at IS NOT NULL"
NEWEST = 2**63 - 1
READABLE = "(peer IS NULL OR author_identity = ? OR peer_identity = ?)"
NOT_HIDDEN = "author_identity NOT IN (SELECT value FROM json_each(?))"
MAX_SCANNED = 20_000
"""Messages, the newest, that are looked through for words too short for the index."""

_Row = tuple[int, int, str, str, str, str | None, str | None, str, str | None, int]
_Value = str | int


def insert(draft: Draft, now: int, connection: sqlite3.Connection) -> Published:
    """Store a message, unless its author has sent the same nonce before; `now` in milliseconds."""
    peer, peer_identity = draft.peer or (None, None)
    values = (now, *draft.author, draft.channel, peer, peer_identity, draft.text, draft.nonce)
    cursor = connection.execute(
        "INSERT INTO message"
        " (at, author, author_identity, channel, peer, peer_identity, text, nonce, author_key, peer_key)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*values, names.key(draft.author.name), names.key(peer) if peer else None),
    )
    if not cursor.rowcount:
        condition = "author_identity = ? AND nonce = ?"
        (before,) = _select(connection, condition, (draft.author.identity, draft.nonce or ""))
        return Published(before, fresh=False)
    return Published(_publication((cursor.lastrowid or 0, *values, 0)), fresh=True)


def find(msg_id: int, connection: sqlite3.Connection) -> Publication | None:
    """The message of a number."""
    return next(iter(_select(connection, "id = ?", (msg_id,))), None)


def find_all(msg_ids: Sequence[int], connection: sqlite3.Connection) -> list[Publication]:
    """Those of these messages that there are, in the order of their numbers."""
    condition = "id IN (SELECT value FROM json_each(?)) ORDER BY id"
    return _select(connection, condition, (json.dumps(list(msg_ids)),))


def take_back(
    msg_id: int, person: Person, apart: Container[str], now: int, connection: sqlite3.Connection
) -> Publication:
    """Take a message of this person back. Refusal."""
    publication = check_takeback(find(msg_id, connection), person, apart)
    connection.execute("UPDATE message SET taken_back_at = coalesce(taken_back_at, ?) WHERE id = ?", (now, msg_id))
    return publication


def react(change: ReactionChange, apart: Container[str], now: int, connection: sqlite3.Connection) -> Publication:
    """Put an emoji under a message, or take it away. Refusal."""
    msg_id, person, emoji, remove = change
    publication = check_reaction(find(msg_id, connection), change, apart)
    if remove:
        where = "DELETE FROM reaction WHERE msg_id = ? AND identity = ? AND emoji = ?"
        connection.execute(where, (msg_id, person.identity, emoji))
    else:
        connection.execute(
            "INSERT INTO reaction (msg_id, identity, emoji, name, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (msg_id, person.identity, emoji, person.name, now),
        )
    connection.execute("UPDATE message SET reacted_at = ? WHERE id = ?", (now, msg_id))
    return publication


def page(
    reader: Reader,
    condition: str,
    values: Sequence[_Value],
    before: int,
    limit: int,
    connection: sqlite3.Connection,
) -> Page:
    """The newest that meet the condition; one row more than asked tells whether there are others before them."""
    where = f"{condition} AND {NOT_HIDDEN} AND id < ? ORDER BY id DESC LIMIT ?"
    bounds = (json.dumps(reader.hidden), before or NEWEST, limit + 1)
    newest = _select(connection, where, (*values, *bounds), reader.hidden)
    return Page(newest[:limit][::-1], len(newest) > limit)


def conversation(reader: Reader, other: str, before: int, limit: int, connection: sqlite3.Connection) -> Page:
    """Direct messages between a person and whoever had that name."""
    identity, key = reader.person.identity, names.key(other)
    sent = page(reader, "author_identity = ? AND peer_key = ?", (identity, key), before, limit, connection)
    received = page(reader, "peer_identity = ? AND author_key = ?", (identity, key), before, limit, connection)
    both = {each.msg_id: each for each in (*sent.publications, *received.publications)}
    ordered = [both[msg_id] for msg_id in sorted(both)]
    return Page(ordered[-limit:], sent.more or received.more or len(ordered) > limit)


def taken_back(reader: Reader, up_to: int, limit: int, connection: sqlite3.Connection) -> list[int]:
    """The numbers, up to one, of messages that were taken back; the latest first."""
    condition = (
        f"taken_back_at IS NOT NULL AND id <= ? AND {READABLE} AND {NOT_HIDDEN} ORDER BY taken_back_at DESC LIMIT ?"
    )
    values = (up_to, reader.person.identity, reader.person.identity, json.dumps(reader.hidden), limit)
    return [row[0] for row in connection.execute(f"SELECT id FROM message WHERE {condition}", values)]  # noqa: S608


def reacted(reader: Reader, up_to: int, limit: int, connection: sqlite3.Connection) -> list[Publication]:
    """The messages, up to a number, whose reactions changed; the latest change first."""
    condition = (
        f"reacted_at IS NOT NULL AND taken_back_at IS NULL AND id <= ? AND {READABLE} AND {NOT_HIDDEN}"
        " ORDER BY reacted_at DESC LIMIT ?"
    )
    identity = reader.person.identity
    values = (up_to, identity, identity, json.dumps(reader.hidden), limit)
    return _select(connection, condition, values, reader.hidden)


def search(reader: Reader, query: Query, channel: str, before: int, limit: int, connection: sqlite3.Connection) -> Page:
    """The newest that a person may read and that hold every word."""
    values: list[_Value] = [reader.person.identity] * 2
    condition = f"taken_back_at IS NULL AND {READABLE}"
    if query.indexed:
        condition += " AND id IN (SELECT rowid FROM message_text WHERE message_text MATCH ?)"
        values.append(query.indexed)
    else:
        condition += " AND id > (SELECT max(id) - ? FROM message)"
        values.append(MAX_SCANNED)
    for pattern in query.short:
        condition += " AND text LIKE ? ESCAPE '\\'"
        values.append(pattern)
    if channel.startswith("@"):
        condition += " AND peer IS NOT NULL AND ? IN (author_key, peer_key)"
        values.append(names.key(channel[1:]))
    elif channel:
        condition += " AND peer IS NULL AND channel = ?"
        values.append(channel)
    return page(reader, condition, values, before, limit, connection)


def _select(
    connection: sqlite3.Connection, where: str, values: Iterable[_Value], hidden: Sequence[str] = ()
) -> list[Publication]:
    """Messages, with what stands under them without the reactions of hidden people."""
    rows: list[_Row] = connection.execute(f"SELECT {COLUMNS} FROM message WHERE {where}", [*values]).fetchall()  # noqa: S608
    under = _reactions(connection, [row[0] for row in rows], hidden)
    return [_publication(row, under.get(row[0], ())) for row in rows]


def _reactions(
    connection: sqlite3.Connection, msg_ids: list[int], hidden: Sequence[str]
) -> dict[int, tuple[Reaction, ...]]:
    """What stands under each message, in the order in which it came."""
    found: defaultdict[int, dict[str, list[str]]] = defaultdict(dict)
    among = "msg_id IN (SELECT value FROM json_each(?)) AND identity NOT IN (SELECT value FROM json_each(?))"
    query = f"SELECT msg_id, emoji, name FROM reaction WHERE {among} ORDER BY at, emoji, name"  # noqa: S608 - ours
    for msg_id, emoji, name in connection.execute(query, (json.dumps(msg_ids), json.dumps(hidden))):
        found[msg_id].setdefault(emoji, []).append(name)
    return {msg_id: tuple(Reaction(*each) for each in emoji.items()) for msg_id, emoji in found.items()}


def _publication(row: _Row, reactions: tuple[Reaction, ...] = ()) -> Publication:
    msg_id, at, author, author_identity, channel, peer, peer_identity, text, nonce, is_taken_back = row
    return Publication(
        msg_id,
        moment(at),
        Person(author, author_identity),
        channel,
        Person(peer, peer_identity or "") if peer is not None else None,
        text,
        nonce,
        bool(is_taken_back),
        reactions,
    )
