"""Requests about reports that wait for the database, and the changes to these reports meanwhile."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from server.rules.reports import StoredReport


class PendingRequest:
    """A pending request about one person's reports, or everybody's."""

    def __init__(self, identity: str | None) -> None:
        """`identity` is the reporter; None: anybody."""
        self._identity = identity
        self._changed: dict[str, StoredReport] = {}

    @property
    def stale(self) -> bool:
        """Return whether the result of the request may be older than a change."""
        return bool(self._changed)

    def add(self, report: StoredReport) -> None:
        """Add a change, if the request is about this report."""
        if self._identity in {None, report.reporter.identity}:
            self._changed[report.id] = report

    def has_changed(self, report: StoredReport) -> bool:
        """Return whether a report in the result has changed since the request began."""
        return report.id in self._changed

    def latest(self, report: StoredReport) -> StoredReport:
        """Return the latest version of a report."""
        return self._changed.get(report.id, report)


class PendingRequests:
    """All pending requests. A reload replaces the desk, but not this: requests of the former desk may still run."""

    def __init__(self) -> None:
        self._pending: set[PendingRequest] = set()

    def add(self, changed: Sequence[StoredReport]) -> None:
        """Add changes to the requests that they concern."""
        for report in changed:
            for pending in self._pending:
                pending.add(report)

    @contextmanager
    def tracking(self, identity: str | None = None) -> Iterator[PendingRequest]:
        """Collect the changes to a reporter's reports, or everybody's, while a request about them is pending."""
        pending = PendingRequest(identity)
        self._pending.add(pending)
        try:
            yield pending
        finally:
            self._pending.remove(pending)
