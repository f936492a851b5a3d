"""Pages of messages as they fit into one frame."""

from collections.abc import Sequence

import msgspec

from server.engine.base import Page
from server.protocol.codec import encode
from server.protocol.frames import Message, Reactions
from server.rules.publications import Person, Publication

MAX_PAGE_BYTES = 192 * 1024
"""Messages in one frame; a client that has 256 KiB unread is cut off, and would be again at each new try."""

MAX_REACTED_BYTES = 32 * 1024
"""Reactions under earlier messages, beside such a page."""


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


def fitting_reactions(publications: Sequence[Publication]) -> list[Reactions]:
    """What stands under messages, of those for which there is room in one frame."""
    found: list[Reactions] = []
    left = MAX_REACTED_BYTES
    for publication in publications:
        under = Reactions(publication.msg_id, list(publication.reactions))
        size = len(msgspec.json.encode(under))
        if size <= left:
            found.append(under)
            left -= size
    return found
