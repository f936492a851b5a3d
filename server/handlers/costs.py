"""What frames cost the server: pages that it reads, each of PAGE messages, and bytes that stay on its disk."""

import msgspec

from server.protocol.frames import MAX_MESSAGE_CHARS, HistoryAsk, Say, SearchAsk
from server.rules import search as searching
from server.rules.evidence import Evidence

PAGE = 50
LEAST = 10
"""Messages that any read counts for, because asking costs something too."""
SEARCH_PAGES = 4
"""Pages that a search reads besides those that it finds."""
SCAN_PAGES = 20
"""The same for words that the index does not hold, so that texts are read instead."""
LIST_PAGES = 4
"""One's own reports, each with all that was sent along."""
REPORT_PAGES = 1
ROW_BYTES = 400
"""A row with its indexes."""
TEXT_BYTES = 5
"""On the disk for each byte of a text: the text itself and its search index, which takes most for random letters."""


def pages(messages: int) -> float:
    """Return the pages that so many messages are."""
    return max(messages, LEAST) / PAGE


def history(frame: HistoryAsk) -> float:
    """Return the pages of a request for older messages."""
    return pages(frame.limit)


def search(frame: SearchAsk) -> float:
    """Return the pages of a search."""
    indexed = any(len(word) >= searching.TOKEN_CHARS for word in frame.query.split())
    return pages(frame.limit) + (SEARCH_PAGES if indexed else SCAN_PAGES)


def message(frame: Say) -> int:
    """Return the bytes of a message; what is too long is refused and not stored."""
    return ROW_BYTES + TEXT_BYTES * len(frame.message[:MAX_MESSAGE_CHARS].encode())


def report(evidence: Evidence) -> int:
    """Return the bytes of a report with its delivery."""
    return 2 * ROW_BYTES + len(msgspec.json.encode(evidence))
