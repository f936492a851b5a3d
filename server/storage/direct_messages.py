"""Direct messages in the database that are kept only for a limited time, or until they are delivered."""

import json
from collections.abc import Sequence

from server.rules.messages import MessageDraft, Publication
from server.storage import history, message_rows, messages, withheld
from server.storage.base import Page, Published, Reader
from server.storage.clock import moment
from server.storage.events import DirectCleared, StoredChange, UnkeptChange, WaitingDelivered
from server.storage.sql import SqlConnection

WAITING_DAYS = 90
"""Days for which a message waits for its recipient if direct messages are not kept."""


def pass_on(draft: MessageDraft, connection: SqlConnection) -> Published:
    """Number a message and announce it without storing it, unless it is a resend."""
    if before := messages.resent(draft, connection.now, connection):
        return Published(before, fresh=False)
    msg_id, at = withheld.next_number(connection), moment(connection.now)
    publication = Publication(msg_id, at, draft.author, "", draft.peer, draft.text, draft.nonce)
    connection.announce(UnkeptChange(publication))
    return Published(publication, fresh=True)


def publish_waiting(draft: MessageDraft, connection: SqlConnection) -> Published:
    """Store a message until it is delivered, and announce it. It is not in the search index."""
    published = messages.insert(draft, connection.now, connection, searchable=False)
    if published.fresh:
        connection.execute("UPDATE message SET waiting = 1 WHERE id = ?", (published.publication.msg_id,))
        connection.announce(StoredChange(published.publication))
    return published


def waiting(reader: Reader, before: int, limit: int, connection: SqlConnection) -> Page:
    """Return the newest messages that wait for the reader."""
    return history.page(
        reader, "waiting = 1 AND peer_identity = ?", (reader.person.identity,), before, limit, connection
    )


def delete_delivered(identity: str, msg_ids: Sequence[int], connection: SqlConnection) -> None:
    """Delete the messages with these numbers that waited for a person, and announce that they were delivered."""
    query = f"SELECT id FROM message WHERE waiting = 1 AND peer_identity = ? AND id IN ({message_rows.NUMBERS})"  # noqa: S608
    found = [row[0] for row in connection.execute(query, (identity, json.dumps(list(msg_ids))))]
    if delivered := message_rows.find_all(found, connection):
        messages.delete(found, connection)
        connection.announce(WaitingDelivered(tuple(delivered)))


def clear(identity: str, connection: SqlConnection) -> int:
    """Delete all direct messages that a person sent or received; return their number."""
    query = "SELECT id FROM message WHERE peer IS NOT NULL AND ? IN (author_identity, peer_identity)"
    found = [row[0] for row in connection.execute(query, (identity,))]
    messages.delete(found, connection)
    connection.announce(DirectCleared(identity))
    return len(found)


def sweep(connection: SqlConnection, before: int, batch: int) -> int:
    """Delete a batch of direct messages sent before a time, in milliseconds; return their number."""
    query = "SELECT id FROM message WHERE peer IS NOT NULL AND at < ? LIMIT ?"
    expired = [row[0] for row in connection.execute(query, (before, batch))]
    messages.delete(expired, connection)
    return len(expired)


def sweep_delivered(connection: SqlConnection, batch: int) -> int:
    """Delete a batch of delivered messages from a time when direct messages were kept; return their number."""
    query = (
        "SELECT id FROM message WHERE peer IS NOT NULL AND waiting = 0 AND NOT EXISTS"
        " (SELECT 1 FROM person WHERE identity = peer_identity AND last_message < id) LIMIT ?"
    )
    delivered = [row[0] for row in connection.execute(query, (batch,))]
    messages.delete(delivered, connection)
    return len(delivered)
