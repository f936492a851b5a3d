"""Cuts pages of messages and reactions to what fits into one frame."""

from collections.abc import Sequence

import msgspec

from server.protocol.codec import encode
from server.protocol.frames import Message, Reactions
from server.rules.messages import Person
from server.storage.base import MAX_PAGE_BYTES, MAX_REACTED_BYTES, Page


def fit_messages(page: Page, person: Person, *, oldest: bool = False) -> tuple[list[Message], bool]:
    """Return the newest (or the oldest) messages of a page that fit into one frame, and whether these are all."""
    found: list[Message] = []
    left, step = MAX_PAGE_BYTES, 1 if oldest else -1
    for publication in page.publications[::step]:
        message = publication.frame_for(person)
        left -= len(encode(message))
        if left < 0:
            return found[::step], False
        found.append(message)
    return found[::step], True


def fit_reactions(reactions: Sequence[Reactions]) -> list[Reactions]:
    """Return the reactions that fit into one frame."""
    found: list[Reactions] = []
    left = MAX_REACTED_BYTES
    for under in reactions:
        size = len(msgspec.json.encode(under))
        if size <= left:
            found.append(under)
            left -= size
    return found
