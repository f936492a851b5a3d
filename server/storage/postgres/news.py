"""The stored form of events: the name of the class and the fields in JSON, or only the number of a message."""

import logging
from collections.abc import Sequence

import msgspec

from server.storage import message_rows
from server.storage.events import KINDS, Event, StoredChange, body_of, event_of
from server.storage.postgres.hearing import NewsRow

log = logging.getLogger(__name__)

READ = f"""
SELECT news.seq, news.at, kind, body, message.* FROM (SELECT * FROM news WHERE seq > ? ORDER BY seq LIMIT ?) AS news
LEFT JOIN LATERAL (SELECT {message_rows.COLUMNS} FROM message WHERE id = ref AND body = '' OFFSET 0) AS message ON true
ORDER BY news.seq
"""  # noqa: S608 - constants
"""Events, and the messages of those that are stored only as a number. LATERAL and OFFSET make it one index look-up for
each, even while the table has no statistics; a hash of all messages would take milliseconds."""


class _Item(msgspec.Struct):
    """An event in the form that `store_news` expects."""

    kind: str
    body: str
    ref: int = 0


def encode(events: Sequence[Event]) -> str:
    """Encode events for `store_news`."""
    return msgspec.json.encode([_Item(type(event).__name__, body_of(event)) for event in events]).decode()


def decode(kind: str, body: str) -> Event | None:
    """Decode an event; return None if only a newer version knows its kind."""
    if kind in KINDS:
        return event_of(kind, body)
    log.warning("an event of a newer version is ignored; upgrade this server", extra={"kind": kind})
    return None


def from_row(row: Sequence[bytes | None]) -> NewsRow:
    """Decode a row of READ."""
    number, at, kind, body, *message = [None if each is None else each.decode() for each in row]
    event = decode(str(kind), body) if body else _new(*message)
    return NewsRow(int(number or 0), int(at or 0), event)


def _new(msg_id: str | None, at: str | None, *columns: str | None) -> Event | None:
    """Return a new message as it was stored, whatever has changed since; None if its row is deleted."""
    if msg_id is None:
        return None
    author, identity, channel, peer, peer_identity, text, nonce, *_ = columns
    values = str(author), str(identity), str(channel), peer, peer_identity, str(text), nonce
    return StoredChange(message_rows.from_row((int(msg_id), int(at or 0), *values, 0, 0, None)))
