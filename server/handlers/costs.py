"""Cost of each frame: pages read (a page is PAGE messages), and bytes stored on disk."""

import msgspec

from server.protocol.frames import MAX_MESSAGE_CHARS, Blocklist, Edit, HistoryRequest, ReportRequest, Say, SearchRequest
from server.rules import search as searching
from server.rules.evidence import Evidence
from server.rules.refusal import Refusal

PAGE = 50
MIN_MESSAGES = 10
"""Minimum number of messages charged for a read, because every query has a fixed cost."""
SEARCH_PAGES = 4
"""Pages charged for a search in addition to its results."""
SCAN_PAGES = 20
"""Pages charged for a search whose words are too short for the index, so that it scans the texts."""
LIST_PAGES = 4
"""Pages charged for the list of the user's reports, each with its evidence."""
REPORT_PAGES = 1
CLAIM_PAGES = 8
"""Pages charged for a report without a msgID, whose message is searched for by its text."""
MARKER_PAGES = 0.1
"""Pages charged for storing how far the user has read, which clients report every few seconds."""
PLACES_PAGES = 4
"""Pages charged for the list of channels and conversations with their unread messages, at each login."""
ROW_BYTES = 400
"""Size on disk of a row with its indexes."""
TEXT_BYTES = 5
"""Bytes on disk per byte of text: the text and its search index, which is largest for random letters."""


def pages(messages: int) -> float:
    return max(messages, MIN_MESSAGES) / PAGE


def history_pages(frame: HistoryRequest) -> float:
    return pages(frame.limit)


def search_pages(frame: SearchRequest) -> float:
    try:
        # Nearly all names are long enough for the index.
        indexed = frame.mentions or bool(searching.query(frame.query).indexed)
    except Refusal:
        # The handler will refuse the query without reading anything.
        indexed = True
    return pages(frame.limit) + (SEARCH_PAGES if indexed else SCAN_PAGES)


def message_bytes(frame: Say | Edit) -> int:
    """Return the bytes stored for a message. Text beyond the limit is not counted, because it is refused."""
    return ROW_BYTES + TEXT_BYTES * len(frame.message[:MAX_MESSAGE_CHARS].encode())


def blocklist_bytes(frame: Blocklist) -> int:
    return ROW_BYTES * len(frame.usernames)


def report_pages(frame: ReportRequest) -> float:
    return REPORT_PAGES if frame.msg_id else CLAIM_PAGES


def report_bytes(evidence: Evidence) -> int:
    return 2 * ROW_BYTES + len(msgspec.json.encode(evidence))
