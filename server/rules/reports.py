"""A report and its status, as its reporter sees it."""

from typing import NamedTuple

from server.protocol.codes import ReportState
from server.rules.evidence import Statement
from server.rules.messages import Person

MAX_EXCERPT_CHARS = 300


class StoredAddition(NamedTuple):
    """An addition of the reporter; `at` is in milliseconds."""

    at: int
    reason: str
    comment: str


class StoredReport(NamedTuple):
    """A report and its status; times are in milliseconds."""

    id: str
    reporter: Person
    at: int
    statement: Statement
    """Its message is cut to MAX_EXCERPT_CHARS."""
    status: ReportState
    error: str
    next_at: int | None
    note: str
    notified: bool
    taken_back: bool
    """Whether the message was deleted before the report, so that only the site may see its text."""
    additions: tuple[StoredAddition, ...]
    """The latest ones, in order."""
