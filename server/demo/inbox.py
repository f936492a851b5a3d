"""The newest reports, in memory."""

from collections import deque
from collections.abc import Sequence

import msgspec

MAX_REPORTS = 100


class Report(msgspec.Struct, frozen=True, rename="pascal"):
    """A report as the webhook delivers it."""

    from_username: str
    about_username: str
    channel: str
    timestamp: str
    reason: str
    message: str
    comment: str


class Inbox:
    """Keeps the newest reports; the oldest falls out when there are too many."""

    def __init__(self) -> None:
        self._reports: deque[Report] = deque(maxlen=MAX_REPORTS)

    def add(self, report: Report) -> None:
        """Put a report on top."""
        self._reports.appendleft(report)

    def reports(self) -> Sequence[Report]:
        """All of them, newest first."""
        return tuple(self._reports)
