"""Pages of messages as they fit into one frame."""

from server.engine.base import Page
from server.protocol.codec import encode
from server.protocol.frames import Message
from server.rules.publications import Person

MAX_PAGE_BYTES = 192 * 1024
"""Messages in one frame; a client that has 256 KiB unread is cut off, and would be again at each new try."""


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
