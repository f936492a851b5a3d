"""Writes messages and their reactions."""

from collections.abc import Sequence

from server.protocol import names
from server.rules.messages import (
    NONCE_MILLISECONDS,
    MessageAccess,
    MessageDraft,
    Person,
    Publication,
    check_resend,
    check_takeback,
)
from server.rules.reactions import ReactionChange, check_reaction
from server.rules.search import fold
from server.storage import message_rows
from server.storage.base import Published
from server.storage.events import StoredChange
from server.storage.sql import SqlConnection


def publish(draft: MessageDraft, connection: SqlConnection) -> Published:
    """Store a message and announce it, unless it is a resend. Raises Refusal if another message has its nonce."""
    published = insert(draft, connection.now, connection)
    if published.fresh:
        connection.announce(StoredChange(published.publication))
    return published


def insert(draft: MessageDraft, now: int, connection: SqlConnection, *, searchable: bool = True) -> Published:
    """Store a message, unless it is a resend. Raises Refusal if another message has its nonce.

    `now` is in milliseconds. Searches find the message only if it is `searchable`.
    """
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
    return Published(message_rows.from_row((msg_id, *values, 0, 0, None)), fresh=True)


def resent(draft: MessageDraft, now: int, connection: SqlConnection) -> Publication | None:
    """Return the message that a draft repeats. Raises Refusal if its author used the nonce for another message."""
    if draft.nonce is None:
        return None
    # Only the number: nearly always there is no such message, and a query of all columns takes twice as long.
    lately = "SELECT id FROM message WHERE author_identity = ? AND nonce = ? AND at > ? ORDER BY id DESC LIMIT 1"
    values = (draft.author.identity, draft.nonce, now - NONCE_MILLISECONDS)
    row = connection.execute(lately, values).fetchone()
    before = message_rows.find(row[0], connection) if row else None
    return check_resend(before, draft) if before else None


def delete(msg_ids: Sequence[int], connection: SqlConnection) -> None:
    """Delete messages with everything that belongs to them."""
    connection.executemany("DELETE FROM reaction WHERE msg_id = ?", [(msg_id,) for msg_id in msg_ids])
    connection.executemany("DELETE FROM message WHERE id = ?", [(msg_id,) for msg_id in msg_ids])


def take_back(msg_id: int, person: Person, access: MessageAccess, now: int, connection: SqlConnection) -> Publication:
    """Delete a message of this person, or of anyone if they are an operator. Raises Refusal."""
    publication = check_takeback(message_rows.find(msg_id, connection), person, access)
    connection.execute("UPDATE message SET taken_back_at = coalesce(taken_back_at, ?) WHERE id = ?", (now, msg_id))
    return publication


def react(change: ReactionChange, access: MessageAccess, now: int, connection: SqlConnection) -> Publication:
    """Add or remove a reaction; return the message as it was before. Raises Refusal."""
    msg_id, person, emoji, remove = change
    publication = check_reaction(message_rows.find(msg_id, connection), change, access)
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
