"""Channels and conversations: how far the user has read each, and the list of them."""

from collections.abc import Iterator
from functools import partial

from server.handlers.dispatch import Dispatcher
from server.protocol import target
from server.protocol.frames import PlaceEntry, Places, Read
from server.room.session import Session
from server.storage.base import Marker, Reader

MAX_LISTED = 100
"""Maximum number of channels and conversations in a frame."""


def read(dispatcher: Dispatcher, session: Session, frame: Read) -> None:
    """Store how far the user has read, and send it to their other sessions."""
    if not target.is_conversation(frame.channel):
        dispatcher.channel(session, frame.channel)
    marker = Marker(frame.channel, frame.msg_id, frame.closed)
    stored = dispatcher.broker.mark_read(session.logged_in_person.identity, marker)
    dispatcher.when_stored(session, stored, partial(_send_mark, dispatcher, session))


async def listed(dispatcher: Dispatcher, reader: Reader, before: int) -> Iterator[Places]:
    """Return the frames that list the user's channels and conversations, based on the messages before `before`."""
    return frames_of(await dispatcher.broker.places(reader, before))


def frames_of(entries: list[PlaceEntry]) -> Iterator[Places]:
    """Return the frames that list these channels and conversations."""
    return (Places(entries[at : at + MAX_LISTED]) for at in range(0, len(entries), MAX_LISTED))


def _send_mark(dispatcher: Dispatcher, session: Session, marker: Marker | None) -> None:
    if marker:
        dispatcher.notify(session.logged_in_person.identity, Read(*marker), but=session)
