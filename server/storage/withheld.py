"""Messages that a filter withheld from everyone but their author. They are kept only to recognise a resend.

The texts of direct messages that the room does not keep are not stored here either.
"""

from msgspec.structs import replace

from server.rules.messages import NONCE_MILLISECONDS, Keeping, MessageDraft, Publication, check_resend
from server.storage import message_rows, messages
from server.storage.base import Published
from server.storage.sql import SqlConnection

_COLUMNS = "id, at, author, author_identity, channel, peer, peer_identity, text, nonce, 0, 0, NULL"


def insert(draft: MessageDraft, connection: SqlConnection) -> Published:
    """Number a message and store it here, unless it is a resend. Raises Refusal if another message has its nonce."""
    now = connection.now
    if before := messages.resent(draft, now, connection):
        return Published(before, fresh=False)
    if kept := _resent(draft, now, connection):
        return Published(kept, fresh=False, withheld=True)
    msg_id = next_number(connection)
    peer, peer_identity = draft.peer or (None, None)
    values = (msg_id, now, *draft.author, draft.channel, peer, peer_identity, _kept_text(draft), draft.nonce)
    connection.execute(
        "INSERT INTO withheld (id, at, author, author_identity, channel, peer, peer_identity, text, nonce)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    publication = replace(message_rows.from_row((*values, 0, 0, None)), text=draft.text)
    return Published(publication, fresh=True, withheld=True)


def sweep(connection: SqlConnection, now: int, batch: int) -> int:
    """Delete a batch of withheld messages whose nonces have expired; return their number."""
    old = "SELECT id FROM withheld WHERE at < ? ORDER BY id LIMIT ?"
    return connection.execute(f"DELETE FROM withheld WHERE id IN ({old})", (now - NONCE_MILLISECONDS, batch)).rowcount  # noqa: S608


def _resent(draft: MessageDraft, now: int, connection: SqlConnection) -> Publication | None:
    query = f"SELECT {_COLUMNS} FROM withheld WHERE author_identity = ? AND nonce = ? AND at > ?"  # noqa: S608
    row = connection.execute(query, (draft.author.identity, draft.nonce, now - NONCE_MILLISECONDS)).fetchone()
    if row is None:
        return None
    before = message_rows.from_row(row)
    return check_resend(before if before.text else replace(before, text=draft.text), draft)


def _kept_text(draft: MessageDraft) -> str:
    return draft.text if draft.keeping is Keeping.RECORDED else ""


def next_number(connection: SqlConnection) -> int:
    """Assign and return the number of the next message."""
    (number,) = connection.execute(connection.dialect.next_message).fetchone()
    return int(number)
