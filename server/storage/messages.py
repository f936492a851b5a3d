"""Messages and their reactions in the database."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import accumulate
from typing import NamedTuple

import msgspec

from server.protocol import names, target
from server.protocol.frames import Reaction, Reactions
from server.rules.messages import (
    NONCE_MILLISECONDS,
    MessageAccess,
    MessageDraft,
    Person,
    Publication,
    Version,
    check_resend,
    check_takeback,
)
from server.rules.reactions import ReactionChange, check_reaction
from server.rules.search import fold
from server.storage.base import MAX_PAGE_BYTES, MAX_REACTED_BYTES, Page, Published, Reader, Recent, Wanted
from server.storage.clock import moment
from server.storage.events import StoredChange
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
"""Like COLUMNS, without what no user may see."""
NEWEST = 2**63 - 1
READABLE = (
    "CASE WHEN peer IS NULL THEN channel IN (SELECT value FROM json_each(?))"
    " ELSE ? IN (author_identity, peer_identity) END"
)
"""What a reader may read; its values are those of `readable`."""
NUMBERS = "SELECT CAST(value AS BIGINT) FROM json_each(?)"
NOT_HIDDEN = "author_identity NOT IN (SELECT value FROM json_each(?))"
IN_CHANNEL = "peer IS NULL AND channel = ?"
LAST_IN_CHANNEL = f"SELECT max(id) FROM message WHERE {IN_CHANNEL} AND id < ?"  # noqa: S608 - a constant
RECEIVED_AFTER = "id > ? AND peer IS NOT NULL AND peer_identity = ?"
MAX_SCANNED = 20_000
"""Maximum number of messages that one read scans, the newest first."""
MAX_CLAIMED = 200
"""Maximum number of an author's messages among which to look for the message of a report without a number."""
MESSAGE_BYTES = 100
"""Minimum size of a message in a frame, without its text."""

Row = tuple[int, int, str, str, str, str | None, str | None, str, str | None, int, int, int | None]
_Value = str | int
_REACTIONS = (
    "SELECT emoji, name FROM reaction WHERE msg_id = ? AND identity NOT IN (SELECT value FROM json_each(?))"
    " ORDER BY at, emoji, name"
)
_pairs = msgspec.json.Decoder(list[tuple[str, str]])


def publish(draft: MessageDraft, connection: SqlConnection) -> Published:
    """Store a message and announce it, unless it is a resend. Raises Refusal if its nonce is used."""
    published = insert(draft, connection.now, connection)
    if published.fresh:
        connection.announce(StoredChange(published.publication))
    return published


def insert(draft: MessageDraft, now: int, connection: SqlConnection, *, searchable: bool = True) -> Published:
    """Store a message, unless it is a resend; `now` is in milliseconds. Raises Refusal if its nonce is used."""
    if before := resent(draft, now, connection):
        return Published(before, fresh=False)
    peer, peer_identity = draft.peer or (None, None)
    values = (now, *draft.author, draft.channel, peer, peer_identity, draft.text, draft.nonce)
    msg_id = connection.insert(
        "INSERT INTO message"
        " (at, author, author_identity, channel, peer, peer_identity, text, nonce, author_key, peer_key, folded)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *values,
            names.key(draft.author.name),
            names.key(peer) if peer else None,
            fold(draft.text) if searchable else "",
        ),
    )
    return Published(from_row((msg_id, *values, 0, 0, None)), fresh=True)


def resent(draft: MessageDraft, now: int, connection: SqlConnection) -> Publication | None:
    """Return the message that a draft repeats. Raises Refusal if its author used the nonce for another message."""
    if draft.nonce is None:
        return None
    # Only the number: nearly always there is none, and a query of all columns takes twice as long.
    lately = "SELECT id FROM message WHERE author_identity = ? AND nonce = ? AND at > ? ORDER BY id DESC LIMIT 1"
    values = (draft.author.identity, draft.nonce, now - NONCE_MILLISECONDS)
    row = connection.execute(lately, values).fetchone()
    before = find(row[0], connection) if row else None
    return check_resend(before, draft) if before else None


def readable(reader: Reader) -> tuple[str, str]:
    """Return the values of READABLE."""
    return json.dumps(list(reader.channels)), reader.person.identity


def find(msg_id: int, connection: SqlConnection) -> Publication | None:
    """Return the message with this number, or None."""
    return next(iter(_select(connection, "id = ?", (msg_id,))), None)


def find_all(msg_ids: Sequence[int], connection: SqlConnection) -> list[Publication]:
    """Return those of these messages that exist, in the order of their numbers."""
    condition = f"id IN ({NUMBERS}) ORDER BY id"
    return _select(connection, condition, (json.dumps(list(msg_ids)),))


def delete(msg_ids: Sequence[int], connection: SqlConnection) -> None:
    """Delete messages with everything that belongs to them."""
    connection.executemany("DELETE FROM reaction WHERE msg_id = ?", [(msg_id,) for msg_id in msg_ids])
    connection.executemany("DELETE FROM message WHERE id = ?", [(msg_id,) for msg_id in msg_ids])


def texts_by(reader: Reader, author: str, channel: str, connection: SqlConnection) -> list[tuple[int, str]]:
    """Return number and text of the latest messages by everyone who had this name, the latest first."""
    if target.is_conversation(channel):
        condition, value = "peer IS NOT NULL AND peer_identity = ?", reader.person.identity
    else:
        condition, value = IN_CHANNEL, channel
    latest = f"SELECT id, author_key, text FROM message WHERE {condition} ORDER BY id DESC LIMIT ?"  # noqa: S608 - ours
    query = f"SELECT id, text FROM ({latest}) AS latest WHERE author_key = ? LIMIT ?"  # noqa: S608 - ours
    return connection.execute(query, (value, MAX_SCANNED, names.key(author), MAX_CLAIMED)).fetchall()


def take_back(msg_id: int, person: Person, access: MessageAccess, now: int, connection: SqlConnection) -> Publication:
    """Delete a message of this person, or as an operator. Raises Refusal."""
    publication = check_takeback(find(msg_id, connection), person, access)
    connection.execute("UPDATE message SET taken_back_at = coalesce(taken_back_at, ?) WHERE id = ?", (now, msg_id))
    return publication


def react(change: ReactionChange, access: MessageAccess, now: int, connection: SqlConnection) -> Publication:
    """Add or remove a reaction. Raises Refusal."""
    msg_id, person, emoji, remove = change
    publication = check_reaction(find(msg_id, connection), change, access)
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


class Span(NamedTuple):
    """The numbers that a read may return, both bounds excluded; 0 is no upper bound."""

    after: int
    before: int
    forward: bool = False
    """Read the oldest messages of the span, not the newest."""


def page(
    reader: Reader,
    condition: str,
    values: Sequence[_Value],
    before: int,
    limit: int,
    connection: SqlConnection,
) -> Page:
    """Return the newest messages that meet the condition."""
    return span_page(reader, condition, values, Span(0, before), limit, connection)


def span_page(
    reader: Reader, condition: str, values: Sequence[_Value], span: Span, limit: int, connection: SqlConnection
) -> Page:
    """Return the newest messages of a span that meet the condition, or the oldest; `more`: there are others in it."""
    # One more than requested shows whether there are others.
    numbers = _numbers(reader, condition, values, span, limit + 1, connection)
    order = "ASC" if span.forward else "DESC"
    query = f"SELECT {SHOWN} FROM message WHERE id IN ({NUMBERS}) ORDER BY id {order}"  # noqa: S608
    with closing(connection.execute(query, (json.dumps(numbers),))) as rows:
        found = fitting(rows, limit, reader, connection)
    return found._replace(publications=found.publications[::-1]) if span.forward else found


def conversation(reader: Reader, other: str, before: int, limit: int, connection: SqlConnection) -> Page:
    """Return direct messages between the reader and everyone who has had that name."""
    return conversation_span(reader, other, Span(0, before), limit, connection)


def conversation_span(reader: Reader, other: str, span: Span, limit: int, connection: SqlConnection) -> Page:
    """Like `conversation`, in a span."""
    pages = [span_page(reader, *side, span, limit, connection) for side in _sides(reader, other)]
    both = {each.msg_id: each for found in pages for each in found.publications}
    cut = [each.publications for each in pages if each.more and each.publications]
    more = any(each.more for each in pages)
    # Beyond the end of an incomplete page there may be others, so drop what the other page has there.
    if span.forward:
        end = min((each[-1].msg_id for each in cut), default=NEWEST)
        ordered = [both[msg_id] for msg_id in sorted(both) if msg_id <= end]
        return Page(ordered[:limit], more or len(ordered) > limit)
    start = max((each[0].msg_id for each in cut), default=0)
    ordered = [both[msg_id] for msg_id in sorted(both) if msg_id >= start]
    return Page(ordered[-limit:], more or len(ordered) > limit)


def conversation_numbers(reader: Reader, other: str, before: int, limit: int, connection: SqlConnection) -> list[int]:
    """Return the numbers of the newest direct messages between the reader and everyone who has had that name."""
    sides = [_numbers(reader, *side, Span(0, before), limit, connection) for side in _sides(reader, other)]
    return sorted({number for side in sides for number in side})[-limit:]


def channel_numbers(reader: Reader, channel: str, before: int, limit: int, connection: SqlConnection) -> list[int]:
    """Return the numbers of the newest messages of a channel."""
    return sorted(_numbers(reader, IN_CHANNEL, (channel,), Span(0, before), limit, connection))


def recent(reader: Reader, wanted: Wanted, before: int, connection: SqlConnection) -> Recent:
    """Return the newest messages of each of these channels below `before` that may fit into one frame, in order."""
    pages = [page(reader, IN_CHANNEL, (channel,), before, limit, connection) for channel, limit in wanted if limit]
    found = sorted((one for each in pages for one in each.publications), key=lambda one: one.msg_id)
    last = {channel: connection.execute(LAST_IN_CHANNEL, (channel, before)).fetchone()[0] for channel, _ in wanted}
    sizes = accumulate(_least_bytes(one) for one in reversed(found))
    fitting_ones = sum(size <= MAX_PAGE_BYTES for size in sizes)
    newest = found[len(found) - fitting_ones :]
    return Recent(newest, {channel: number for channel, number in last.items() if number is not None})


def missed(reader: Reader, after: int, before: int, limit: int, connection: SqlConnection) -> Page:
    """Return the newest messages that the reader may read, of the MAX_SCANNED newest of all."""
    (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()
    first = max(after, min(newest, (before or NEWEST) - 1) - MAX_SCANNED)
    found = page(reader, f"id > ? AND {READABLE}", (first, *readable(reader)), before, limit, connection)
    return found._replace(more=found.more or first > after)


def taken_back(reader: Reader, up_to: int, limit: int, connection: SqlConnection) -> list[int]:
    """Return the numbers of deleted messages up to `up_to`; the latest first."""
    return changed("taken_back_at", reader, up_to, limit, connection)


def reacted(reader: Reader, up_to: int, limit: int, connection: SqlConnection) -> list[Reactions]:
    """Return changed reactions to messages up to `up_to`; the latest change first.

    Reads twice as much as is sent, because messages that fit may follow one that does not.
    """
    found: list[Reactions] = []
    left = 2 * MAX_REACTED_BYTES
    for msg_id in changed("reacted_at", reader, up_to, limit, connection):
        under = _reactions(connection, msg_id, reader.hidden)
        left -= _least_bytes_of(under)
        if left < 0 and found:
            break
        found.append(Reactions(msg_id, list(under)))
    return found


def _numbers(
    reader: Reader, condition: str, values: Sequence[_Value], span: Span, limit: int, connection: SqlConnection
) -> list[int]:
    """Return the numbers of the newest messages of a span that meet the condition, or of the oldest, nearest first.

    Scans at most MAX_SCANNED, because the reader may have muted everyone who writes in a channel.
    """
    order = "ASC" if span.forward else "DESC"
    scanned = (
        f"SELECT id, author_identity FROM message WHERE {condition} AND id > ? AND id < ?"  # noqa: S608 - ours
        f" ORDER BY id {order} LIMIT ?"
    )
    query = f"SELECT id FROM ({scanned}) AS scanned WHERE {NOT_HIDDEN} LIMIT ?"  # noqa: S608 - ours
    bounds = (span.after, span.before or NEWEST, MAX_SCANNED, json.dumps(reader.hidden), limit)
    return [row[0] for row in connection.execute(query, (*values, *bounds))]


def _sides(reader: Reader, other: str) -> list[tuple[str, tuple[_Value, ...]]]:
    """Return the conditions for messages from the reader to a name, and for messages from that name to them."""
    values = reader.person.identity, names.key(other)
    return [
        ("peer IS NOT NULL AND author_identity = ? AND peer_key = ?", values),
        ("peer IS NOT NULL AND peer_identity = ? AND author_key = ?", values),
    ]


def changed(column: str, reader: Reader, up_to: int, limit: int, connection: SqlConnection) -> list[int]:
    """Return the numbers of messages up to `up_to` that have a time in this column; the latest first."""
    latest = (
        "SELECT id, author_identity, channel, peer, peer_identity, taken_back_at FROM message"  # noqa: S608 - ours
        f" WHERE {column} IS NOT NULL ORDER BY {column} DESC LIMIT ?"
    )
    condition = f"id <= ? AND {READABLE} AND {NOT_HIDDEN}"
    if column != "taken_back_at":
        condition += " AND taken_back_at IS NULL"
    values = (MAX_SCANNED, up_to, *readable(reader), json.dumps(reader.hidden), limit)
    query = f"SELECT id FROM ({latest}) AS latest WHERE {condition} LIMIT ?"  # noqa: S608 - ours
    return [row[0] for row in connection.execute(query, values)]


def fitting(rows: Iterable[Row], limit: int, reader: Reader, connection: SqlConnection) -> Page:
    """Read messages with their reactions until there are enough, or no more fit into a frame."""
    found: list[Publication] = []
    left = MAX_PAGE_BYTES
    for row in rows:
        if len(found) == limit:
            return Page(found[::-1], more=True)
        publication = from_row(row, _reactions(connection, row[0], reader.hidden) if row[10] else ())
        left -= _least_bytes(publication)
        if left < 0 and found:
            return Page(found[::-1], more=True)
        found.append(publication)
    return Page(found[::-1], more=False)


def _least_bytes(publication: Publication) -> int:
    """Return the minimum size of a message in a frame."""
    return MESSAGE_BYTES + len(publication.text.encode()) + _least_bytes_of(publication.reactions)


def _least_bytes_of(reactions: Sequence[Reaction]) -> int:
    """Return the minimum size of reactions in a frame: a name, its quotes and a comma for each."""
    return sum(sum(map(len, each.usernames)) + 3 * len(each.usernames) for each in reactions)


def _select(connection: SqlConnection, where: str, values: Iterable[_Value]) -> list[Publication]:
    """Return complete messages with their reactions and earlier texts."""
    rows: list[Row] = connection.execute(f"SELECT {COLUMNS} FROM message WHERE {where}", [*values]).fetchall()  # noqa: S608
    return [
        from_row(
            row,
            _reactions(connection, row[0], ()) if row[10] else (),
            _versions(connection, row[0]) if row[11] is not None else (),
        )
        for row in rows
    ]


def _versions(connection: SqlConnection, msg_id: int) -> tuple[Version, ...]:
    rows = connection.execute("SELECT since, text FROM message_version WHERE msg_id = ? ORDER BY number", (msg_id,))
    return tuple(Version(moment(since), text) for since, text in rows)


def _reactions(connection: SqlConnection, msg_id: int, hidden: Sequence[str]) -> tuple[Reaction, ...]:
    """Return the reactions to a message, in the order in which they were added."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    query = connection.dialect.as_array("emoji, name", _REACTIONS)
    (pairs,) = connection.execute(query, (msg_id, json.dumps(hidden))).fetchone()
    for emoji, name in _pairs.decode(pairs):
        found[emoji].append(name)
    return tuple(Reaction(*each) for each in found.items())


def from_row(row: Row, reactions: tuple[Reaction, ...] = (), versions: tuple[Version, ...] = ()) -> Publication:
    """Return the message of a row with COLUMNS or SHOWN."""
    msg_id, at, author, author_identity, channel, peer, peer_identity, text, nonce, is_taken_back, _, edited_at = row
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
        moment(edited_at) if edited_at is not None else None,
        versions,
    )
