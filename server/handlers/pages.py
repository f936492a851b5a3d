"""Pages of messages as they fit into one frame."""

from collections.abc import Sequence

import msgspec

from server.protocol.codec import encode
from server.protocol.frames import Message, Reactions
from server.rules.messages import Person
from server.storage.base import MAX_PAGE_BYTES, MAX_REACTED_BYTES, Page


def fitting(page: Page, person: Person) -> tuple[list[Message], bool]:
    """The newest messages of a page that fit into one frame, and whether those are all."""
    found: list[Message] = []
    left = MAX_PAGE_BYTES
    for publication in reversed(page.publications):
        message = publication.frame_for(person)
        left -= len(encode(message))
        if left < 0:
            return found[::-1], False
        found.append(message)
    return found[::-1], True


def fitting_reactions(reactions: Sequence[Reactions]) -> list[Reactions]:
    """Those for which there is room in one frame."""
    found: list[Reactions] = []
    left = MAX_REACTED_BYTES
    for under in reactions:
        size = len(msgspec.json.encode(under))
        if size <= left:
            found.append(under)
            left -= size
    return found
