"""What people do with their reports: send, add to, withdraw, look at; and what they are told of them."""

import asyncio
from functools import partial
from itertools import accumulate

from server.engine import reports
from server.engine.clock import Clock, moment, utc_now
from server.engine.database import Database
from server.engine.reports import Report, Submission, Terms
from server.hub import Hub
from server.protocol.codec import encode
from server.protocol.codes import ReportState
from server.protocol.frames import Addition, ReportEntry, ReportStatus
from server.protocol.frames import Reports as ReportsFrame
from server.rules.publications import Person

MAX_LISTED = 100
MAX_EXCERPT_CHARS = 300
MAX_LISTED_BYTES = 48 * 1024
"""Beside a page of messages it is less than a client may leave unread, or it would be cut off at each login."""


class Reports:
    """The reports of this room; `waiting` is set whenever there is something new to deliver."""

    def __init__(
        self, database: Database, hub: Hub, terms: Terms, waiting: asyncio.Event, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._hub = hub
        self._terms = terms
        self._waiting = waiting
        self._clock = clock

    async def submit(self, submission: Submission) -> ReportEntry:
        """Take a report in; it is on disk when this returns. Refusal, StorageError."""
        report = await self._database.write(partial(reports.submit, self._terms, submission, self._clock))
        self._waiting.set()
        return entry(report)

    async def withdraw(self, reporter: Person, report_id: str) -> ReportEntry:
        """Take a report back. Refusal, StorageError."""
        report = await self._database.write(partial(reports.withdraw, self._terms, report_id, reporter, self._clock))
        self._waiting.set()
        return entry(report)

    async def site_said(self, key: str, status: ReportState, note: str) -> bool:
        """Take in what the site says of a report, by its ID or a webhook-id; False if it knows none. StorageError."""
        report = await self._database.write(partial(reports.site_said, key, status, note, self._clock))
        if report and not report.told:
            self.tell(report)
        return report is not None

    async def sent_by(self, reporter: Person, nonce: str | None = None) -> ReportsFrame:
        """The reports of a person, and which of them changed while they were away. StorageError."""
        asked = partial(reports.sent_by, reporter.identity, MAX_LISTED, self._terms.webhook, self._clock)
        sent = await self._database.read(asked)
        entries = _fitting([entry(report) for report in sent])
        changed = [report.id for report in sent[: len(entries)] if not report.told]
        if changed:
            self._database.write_aside(partial(reports.set_told, changed))
        return ReportsFrame(entries, changed, nonce)

    def tell(self, report: Report) -> None:
        """Tell a reporter where a report stands, if they are here; otherwise they hear of it when they come."""
        sessions = self._hub.sessions_of(report.reporter.identity)
        for session in sessions:
            session.send(ReportStatus(entry(report)))
        if sessions:
            self._database.write_aside(partial(reports.set_told, [report.id]))


def _fitting(entries: list[ReportEntry]) -> list[ReportEntry]:
    """The first of these, as many as fit into a frame."""
    sizes = accumulate(len(encode(ReportStatus(each))) for each in entries)
    return [each for each, size in zip(entries, sizes, strict=True) if size <= MAX_LISTED_BYTES]


def entry(report: Report) -> ReportEntry:
    """A report as its reporter sees it."""
    evidence = report.evidence
    return ReportEntry(
        report.id,
        evidence.msg_id,
        evidence.about,
        evidence.channel,
        evidence.at,
        "" if report.taken_back else evidence.message[:MAX_EXCERPT_CHARS],
        evidence.reason,
        evidence.comment,
        moment(report.at),
        report.status,
        report.error,
        moment(report.next_at) if report.next_at is not None else None,
        report.note,
        [Addition(moment(at), reason, comment) for at, reason, comment in report.additions],
    )
