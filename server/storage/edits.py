"""Edited messages in the database: the table message has the current text, message_version the earlier texts."""

import json

from msgspec.structs import replace

from server.protocol.frames import NewText
from server.rules.messages import MessageAccess, Person, Publication, check_edit
from server.rules.search import fold
from server.storage import history, message_rows
from server.storage.base import MAX_EDITED_BYTES, Reader
from server.storage.clock import moment
from server.storage.sql import SqlConnection


def edit(
    msg_id: int, person: Person, text: str, access: MessageAccess, now: int, connection: SqlConnection
) -> Publication:
    """Replace the text of a message of this person. Raises Refusal."""
    before = message_rows.find(msg_id, connection)
    publication = check_edit(before, person, access, text)
    if before and before.text == text:
        return before
    connection.execute(
        "INSERT INTO message_version (msg_id, number, since, text)"
        " SELECT id, ?, coalesce(edited_at, at), text FROM message WHERE id = ?",
        (len(publication.versions), msg_id),
    )
    connection.execute(
        "UPDATE message SET text = ?, folded = CASE waiting WHEN 1 THEN '' ELSE ? END, edited_at = ? WHERE id = ?",
        (text, fold(text), now, msg_id),
    )
    return replace(publication, edited_at=moment(now))


def edited(reader: Reader, up_to: int, limit: int, connection: SqlConnection) -> list[NewText]:
    """Return the texts of edited messages up to `up_to`; the latest change first."""
    numbers = history.changed("edited_at", reader, up_to, limit, connection)
    query = (
        "SELECT message.id, text FROM json_each(?) AS wanted JOIN message ON message.id = CAST(wanted.value AS BIGINT)"
        " WHERE taken_back_at IS NULL ORDER BY wanted.key"
    )
    found: list[NewText] = []
    left = MAX_EDITED_BYTES
    for msg_id, text in connection.execute(query, (json.dumps(numbers),)):
        left -= len(text.encode()) + message_rows.MESSAGE_BYTES
        if left < 0:
            break
        found.append(NewText(msg_id, text))
    return found
