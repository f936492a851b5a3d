"""Reads messages: pages, recent messages, and those that have changed."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import accumulate
from typing import NamedTuple

from server.protocol import names, target
from server.protocol.frames import Reaction, Reactions
from server.rules.messages import Publication
from server.storage import message_rows
from server.storage.base import MAX_PAGE_BYTES, MAX_REACTED_BYTES, Page, Reader, Recent, Wanted
from server.storage.sql import SqlConnection

_Value = str | int
NEWEST = 2**63 - 1
READABLE = (
    "CASE WHEN peer IS NULL THEN channel IN (SELECT value FROM json_each(?))"
    " ELSE ? IN (author_identity, peer_identity) END"
)
"""Condition: the reader may read the message. `readable` returns its values."""
NOT_HIDDEN = "author_identity NOT IN (SELECT value FROM json_each(?))"
IN_CHANNEL = "peer IS NULL AND channel = ?"
LAST_IN_CHANNEL = f"SELECT max(id) FROM message WHERE {IN_CHANNEL} AND id < ?"  # noqa: S608 - a constant
RECEIVED_AFTER = "id > ? AND peer IS NOT NULL AND peer_identity = ?"
MAX_SCANNED = 20_000
"""Maximum number of messages that one read scans, the newest first."""
MAX_CLAIMED = 200
"""Maximum number of an author's messages among which to look for a reported message whose number is missing."""


def readable(reader: Reader) -> tuple[str, str]:
    """Return the values for the placeholders of READABLE."""
    return json.dumps(list(reader.channels)), reader.person.identity


def texts_by(reader: Reader, author: str, channel: str, connection: SqlConnection) -> list[tuple[int, str]]:
    """Return the numbers and texts of the latest messages by everyone who had this name, the latest first."""
    if target.is_conversation(channel):
        condition, value = "peer IS NOT NULL AND peer_identity = ?", reader.person.identity
    else:
        condition, value = IN_CHANNEL, channel
    latest = f"SELECT id, author_key, text FROM message WHERE {condition} ORDER BY id DESC LIMIT ?"  # noqa: S608 - ours
    query = f"SELECT id, text FROM ({latest}) AS latest WHERE author_key = ? LIMIT ?"  # noqa: S608 - ours
    return connection.execute(query, (value, MAX_SCANNED, names.key(author), MAX_CLAIMED)).fetchall()


class Span(NamedTuple):
    """The numbers that a read may return, both bounds excluded; `before` is 0 without an upper bound."""

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
    """Return messages of a span that meet the condition: the newest, or the oldest of a `forward` span."""
    # One more than requested shows whether there are more.
    numbers = _numbers(reader, condition, values, span, limit + 1, connection)
    order = "ASC" if span.forward else "DESC"
    query = f"SELECT {message_rows.SHOWN} FROM message WHERE id IN ({message_rows.NUMBERS}) ORDER BY id {order}"  # noqa: S608
    with closing(connection.execute(query, (json.dumps(numbers),))) as rows:
        found = fitting(rows, limit, reader, connection)
    return found._replace(publications=found.publications[::-1]) if span.forward else found


def conversation(reader: Reader, other: str, before: int, limit: int, connection: SqlConnection) -> Page:
    """Return direct messages between the reader and everyone who has had that name."""
    return conversation_span(reader, other, Span(0, before), limit, connection)


def conversation_span(reader: Reader, other: str, span: Span, limit: int, connection: SqlConnection) -> Page:
    """Return the same as `conversation`, but within a span."""
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
    """Return the newest messages that the reader may read, among the MAX_SCANNED newest of the room."""
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
        under = message_rows.reactions_to(connection, msg_id, reader.hidden)
        left -= _least_bytes_of(under)
        if left < 0 and found:
            break
        found.append(Reactions(msg_id, list(under)))
    return found


def _numbers(
    reader: Reader, condition: str, values: Sequence[_Value], span: Span, limit: int, connection: SqlConnection
) -> list[int]:
    """Return the numbers of messages of a span that meet the condition: the newest first, or the oldest if `forward`.

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
    """Return the conditions for messages from the reader to a name, and for messages from that name to the reader."""
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


def fitting(rows: Iterable[message_rows.Row], limit: int, reader: Reader, connection: SqlConnection) -> Page:
    """Read messages with their reactions until there are enough, or no more fit into a frame."""
    found: list[Publication] = []
    left = MAX_PAGE_BYTES
    for row in rows:
        if len(found) == limit:
            return Page(found[::-1], more=True)
        publication = message_rows.from_row(
            row, message_rows.reactions_to(connection, row[0], reader.hidden) if row[10] else ()
        )
        left -= _least_bytes(publication)
        if left < 0 and found:
            return Page(found[::-1], more=True)
        found.append(publication)
    return Page(found[::-1], more=False)


def _least_bytes(publication: Publication) -> int:
    """Return the minimum size of a message in a frame."""
    return message_rows.MESSAGE_BYTES + len(publication.text.encode()) + _least_bytes_of(publication.reactions)


def _least_bytes_of(reactions: Sequence[Reaction]) -> int:
    """Return the minimum size of reactions in a frame: a name, its quotes and a comma for each."""
    return sum(sum(map(len, each.usernames)) + 3 * len(each.usernames) for each in reactions)
