"""Cut pages of messages and reactions to what fits into one frame."""

from collections.abc import Sequence

import msgspec

from server.protocol.codec import encode
from server.protocol.frames import Message, Reactions
from server.rules.messages import Person
from server.storage.base import MAX_PAGE_BYTES, MAX_REACTED_BYTES, Page


def fit_messages(page: Page, person: Person) -> tuple[list[Message], bool]:
    """Return the newest messages of a page that fit into one frame, and whether that is the whole page."""
    found: list[Message] = []
    left = MAX_PAGE_BYTES
    for publication in reversed(page.publications):
        message = publication.frame_for(person)
        left -= len(encode(message))
        if left < 0:
            return found[::-1], False
        found.append(message)
    return found[::-1], True


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
