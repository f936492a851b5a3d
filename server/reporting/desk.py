"""Submitting, withdrawing and listing reports, and notifying their reporters."""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import accumulate

from server.protocol.codec import encode
from server.protocol.codes import ReportState
from server.protocol.frames import Addition, ReportEntry, Reports, ReportStatus
from server.reporting.automatic_reports import AutomaticReport, Complaint
from server.reporting.pending_requests import PendingRequests
from server.room.hub import Hub
from server.rules.messages import Person, Publication
from server.rules.reports import StoredReport
from server.rules.trail import Event
from server.storage import report_rows, reports
from server.storage.base import Reader
from server.storage.clock import moment
from server.storage.database import Database
from server.storage.events import ReportChanged, ReportOpened
from server.storage.reports import Submission, Terms
from server.storage.trail import TrailRow

MAX_LISTED = 100
MAX_LISTED_BYTES = 48 * 1024
"""Maximum size of a list. Together with a page of messages, it is below the limit of unread data, so logins succeed."""


class ReportDesk:
    """The reports of the room. Sets each event of `waiting` when there is something to deliver."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        terms: Terms,
        waiting: Sequence[asyncio.Event],
        requests: PendingRequests,
    ) -> None:
        """`requests` receives all changes before this desk does."""
        self._database = database
        self._hub = hub
        self._terms = terms
        self._waiting = waiting
        self._requests = requests
        self._unnotified: set[str] = set()

    async def submit(self, submission: Submission) -> ReportEntry:
        """Store a report; it is on disk when this returns. Raises Refusal or StorageError."""
        with self._requests.tracking(submission.reporter.identity) as pending:
            report = await self._database.write(partial(reports.submit, self._terms, submission))
        return entry(pending.latest(report))

    async def withdraw(self, reporter: Person, report_id: str) -> ReportEntry:
        """Withdraw a report. Raises Refusal or StorageError."""
        with self._requests.tracking(reporter.identity) as pending:
            report = await self._database.write(partial(reports.withdraw, self._terms, report_id, reporter))
        return entry(pending.latest(report))

    def automatic(self, complaint: Complaint) -> AutomaticReport:
        """Return a report to store with a message; see AutomaticReport."""
        return AutomaticReport(complaint, self._terms)

    async def record(self, report: AutomaticReport, publication: Publication) -> None:
        """Store an automatic report on its own, not along with a message. Raises StorageError."""
        await self._database.write(partial(report.record, publication=publication))

    async def site_said(self, key: str, status: ReportState, note: str) -> bool:
        """Record a status from the site; return False if `key` belongs to no report. Raises StorageError."""
        return await self._database.write(partial(reports.site_said, key, status, note)) is not None

    def on_changes(self, events: Sequence[ReportOpened | ReportChanged]) -> None:
        """Wake the deliveries if this server has stored a change, and notify the reporters who are on this server."""
        if any(event.node == self._terms.node for event in events):
            # Every server delivers, but if all of them woke at once, they would compete for one delivery.
            for each in self._waiting:
                each.set()
        self._notify([each.report for each in events if isinstance(each, ReportChanged) and not each.answered])

    async def latest(self, before: str, limit: int) -> list[StoredReport]:
        """Return everyone's reports, latest first; if `before` is a report ID, those before it. Raises StorageError."""
        return await self._database.read(partial(report_rows.latest_before, before, limit))

    async def account(self, report_id: str) -> tuple[StoredReport, list[tuple[TrailRow, Event]]] | None:
        """Return a report with its trail; None if the ID is unknown. Raises StorageError."""
        return await self._database.read(partial(report_rows.account, report_id))

    async def sent_by(self, reader: Reader, nonce: str | None = None) -> Reports:
        """Return a person's reports, and those that changed in the person's absence; record these as notified.

        Raises StorageError.
        """
        sent = await self._read(reader)
        entries = _fitting([entry(report) for report in sent])
        changed = [report.id for report in sent[: len(entries)] if not report.notified]
        if changed:
            self._database.write_aside(partial(reports.set_notified, changed))
        return Reports(sorted(entries, key=lambda each: each.reported_at, reverse=True), changed, nonce)

    async def _read(self, reader: Reader) -> list[StoredReport]:
        """Read a person's reports; repeat if one changed meanwhile: a list must not be older than a notification."""
        asked = partial(report_rows.sent_by, reader.person.identity, MAX_LISTED, self._terms.webhook)
        while True:
            with self._requests.tracking(reader.person.identity) as pending:
                sent = await self._database.read(asked, reader.queue_key)
            if not pending.stale:
                return sent

    async def notify_waiting(self) -> None:
        """Notify reporters in the room of all their waiting reports, after the webhook was suspended or resumed."""
        self._notify(await self._of_reporters_present(report_rows.WAITING))

    async def notify_missed(self) -> None:
        """Notify reporters in the room of changes that no event announced: those that two consecutive calls find."""
        unnotified = {report.id: report for report in await self._of_reporters_present(report_rows.UNNOTIFIED)}
        self._notify([report for report in unnotified.values() if report.id in self._unnotified])
        self._unnotified = set(unnotified)

    async def _of_reporters_present(self, which: str) -> list[StoredReport]:
        here = [session.logged_in_person.identity for session in self._hub.sessions.values()]
        asked = partial(report_rows.found_of, here, which, self._terms.webhook)
        with self._requests.tracking() as pending:
            found = await self._database.read(asked)
        # The reporter has already been notified of changes since the read began.
        return [report for report in found if not pending.has_changed(report)]

    def _notify(self, changed: Sequence[StoredReport]) -> None:
        """Notify the reporters who are on this server; others are notified at their next login."""
        notified = []
        for report in changed:
            for session in self._hub.sessions_of(report.reporter.identity):
                session.send(ReportStatus(entry(report)))
                notified.append(report.id)
        if notified:
            self._database.write_aside(partial(reports.set_notified, notified))


def _fitting(entries: list[ReportEntry]) -> list[ReportEntry]:
    """Return as many of the first entries as fit into a frame."""
    sizes = accumulate(len(encode(ReportStatus(each))) for each in entries)
    return [each for each, size in zip(entries, sizes, strict=True) if size <= MAX_LISTED_BYTES]


def entry(report: StoredReport) -> ReportEntry:
    """Return a report as its reporter sees it."""
    said = report.statement
    return ReportEntry(
        report_id=report.id,
        msg_id=said.msg_id,
        about=said.about,
        channel=said.channel,
        at=said.at,
        message="" if report.taken_back else said.message,
        reason=said.reason,
        comment=said.comment,
        reported_at=moment(report.at),
        status=report.status,
        error=report.error,
        next_at=moment(report.next_at) if report.next_at is not None else None,
        note=report.note,
        additions=[Addition(moment(at), reason, comment) for at, reason, comment in report.additions],
    )
