"""What reporters do with their reports (submit, add, withdraw, list), and how they are notified."""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import accumulate

from server.protocol.codec import encode
from server.protocol.codes import ReportState
from server.protocol.frames import Addition, ReportEntry, Reports, ReportStatus
from server.reporting.automatic_reports import AutomaticReport, Complaint
from server.room.hub import Hub
from server.rules.messages import Person, Publication
from server.rules.reservations import Reservations
from server.rules.trail import Event
from server.storage import reports
from server.storage.base import Reader
from server.storage.clock import moment
from server.storage.database import Database
from server.storage.fair import QueueKey
from server.storage.reports import StoredReport, Submission, Terms
from server.storage.trail import TrailRow

MAX_LISTED = 100
MAX_EXCERPT_CHARS = 300
MAX_LISTED_BYTES = 48 * 1024
"""Maximum size of a list. With a page of messages it stays below the limit of unread data, so that logins succeed."""


class _PendingRead:
    """A pending read of a person's reports."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.stale = False


class ReportDesk:
    """The reports of the room; sets each of `waiting` when there is something to deliver."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        reservations: Reservations,
        terms: Terms,
        waiting: Sequence[asyncio.Event],
    ) -> None:
        self._database = database
        self._hub = hub
        self._reservations = reservations
        self._terms = terms
        self._waiting = waiting
        self._pending: set[_PendingRead] = set()
        self._unnotified: set[str] = set()

    async def submit(self, submission: Submission) -> ReportEntry:
        """Store a report; it is on disk when this returns. Raises Refusal or StorageError."""
        report = await self._database.write(partial(reports.submit, self._terms, submission))
        self._wake()
        self._mark_stale(report)
        about = Person(submission.evidence.about, submission.evidence.about_identity)
        self._reservations.report_opened(report.id, about)
        return entry(report)

    async def withdraw(self, reporter: Person, report_id: str) -> ReportEntry:
        """Withdraw a report. Raises Refusal or StorageError."""
        report = await self._database.write(partial(reports.withdraw, self._terms, report_id, reporter))
        self._wake()
        self._mark_stale(report)
        self._reservations.report_closed(report.id)
        return entry(report)

    def automatic(self, complaint: Complaint) -> AutomaticReport:
        """Return a report to store with a message; see AutomaticReport."""
        return AutomaticReport(complaint, self._terms, self._on_automatic)

    async def record(self, report: AutomaticReport, publication: Publication) -> None:
        """Store an automatic report alone. Raises StorageError."""
        await self._database.write(partial(report.record, publication=publication))

    def _on_automatic(self, report: StoredReport) -> None:
        self._wake()
        self._reservations.report_opened(report.id, report.reporter)

    def _wake(self) -> None:
        for each in self._waiting:
            each.set()

    async def site_said(self, key: str, status: ReportState, note: str) -> bool:
        """Record a status from the site. `key`: a report ID or a webhook-id; False if unknown. Raises StorageError."""
        report = await self._database.write(partial(reports.site_said, key, status, note))
        if report and not report.notified:
            self.notify(report)
        if report and report.status is ReportState.RESOLVED:
            self._reservations.report_closed(report.id)
        return report is not None

    async def latest(self, before: str, limit: int) -> list[StoredReport]:
        """Return everyone's reports, the latest first, or those before a report. Raises StorageError."""
        return await self._database.read(partial(reports.latest_before, before, limit))

    async def account(self, report_id: str) -> tuple[StoredReport, list[tuple[TrailRow, Event]]] | None:
        """Return a report with its trail; None if it is not known. Raises StorageError."""
        return await self._database.read(partial(reports.account, report_id))

    async def sent_by(self, reader: Reader, nonce: str | None = None) -> Reports:
        """Return a person's reports, and which of them changed while they were away. Raises StorageError."""
        sent = await self._read(reader.person.identity, reader.queue_key)
        entries = _fitting([entry(report) for report in sent])
        changed = [report.id for report in sent[: len(entries)] if not report.notified]
        if changed:
            self._database.write_aside(partial(reports.set_notified, changed))
        return Reports(sorted(entries, key=lambda each: each.reported_at, reverse=True), changed, nonce)

    async def _read(self, identity: str, key: QueueKey) -> list[StoredReport]:
        """Read a person's reports; again if one changed meanwhile, or the list would be older than a notification."""
        asked = partial(reports.sent_by, identity, MAX_LISTED, self._terms.webhook)
        while True:
            pending = _PendingRead(identity)
            self._pending.add(pending)
            try:
                sent = await self._database.read(asked, key)
            finally:
                self._pending.remove(pending)
            if not pending.stale:
                return sent

    async def notify_waiting(self) -> None:
        """Notify the reporters in the room of all their waiting reports: the webhook was suspended or resumed."""
        for report in await self._of_reporters_present(reports.WAITING):
            self.notify(report)

    async def notify_missed(self) -> None:
        """Notify the reporters in the room of changes that another process stored: those found twice in a row."""
        unnotified = {report.id: report for report in await self._of_reporters_present(reports.UNNOTIFIED)}
        for report_id in self._unnotified & set(unnotified):
            self.notify(unnotified[report_id])
        self._unnotified = set(unnotified)

    async def _of_reporters_present(self, which: str) -> list[StoredReport]:
        here = [session.logged_in_person.identity for session in self._hub.sessions.values()]
        asked = partial(reports.found_of, here, which, self._terms.webhook)
        return await self._database.read(asked)

    def _mark_stale(self, report: StoredReport) -> None:
        for pending in self._pending:
            pending.stale = pending.stale or pending.identity == report.reporter.identity

    def notify(self, report: StoredReport) -> None:
        """Notify a reporter in the room of a changed report; others are notified at their next login."""
        self._mark_stale(report)
        sessions = self._hub.sessions_of(report.reporter.identity)
        for session in sessions:
            session.send(ReportStatus(entry(report)))
        if sessions:
            self._database.write_aside(partial(reports.set_notified, [report.id]))


def _fitting(entries: list[ReportEntry]) -> list[ReportEntry]:
    """Return the first of these, as many as fit into a frame."""
    sizes = accumulate(len(encode(ReportStatus(each))) for each in entries)
    return [each for each, size in zip(entries, sizes, strict=True) if size <= MAX_LISTED_BYTES]


def entry(report: StoredReport) -> ReportEntry:
    """Return a report as its reporter sees it."""
    said = report.statement
    return ReportEntry(
        report.id,
        said.msg_id,
        said.about,
        said.channel,
        said.at,
        "" if report.taken_back else said.message[:MAX_EXCERPT_CHARS],
        said.reason,
        said.comment,
        moment(report.at),
        report.status,
        report.error,
        moment(report.next_at) if report.next_at is not None else None,
        report.note,
        [Addition(moment(at), reason, comment) for at, reason, comment in report.additions],
    )
