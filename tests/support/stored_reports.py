"""Reports on the storage layer: a database in memory, a manual clock, and results given by the test."""

from collections.abc import Collection
from datetime import UTC, datetime

from server.protocol.codes import ReportState
from server.rules.evidence import Evidence
from server.rules.messages import Person
from server.rules.reports import StoredReport
from server.rules.retries import Result
from server.storage import gathering, leases, report_rows, reports
from server.storage.clock import milliseconds, moment
from server.storage.events import ReportChanged
from server.storage.leases import Claim
from server.storage.outbox import Attempt
from server.storage.reports import Submission, Terms
from tests.support.empty_room import Connection, in_memory

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ALICE, BOB = Person("alice", "a-1"), Person("bob", "b-1")
TERMS = Terms("report", 0, evidence=True)
ACCEPTED = Result(200)
FAILED = Result(500, "The site did not accept the report: it answered with status 500.", "status 500")


def evidence(msg_id: int = 7, reporter: str = "alice") -> Evidence:
    """Return evidence about this message."""
    return Evidence(reporter, "mallory", "lobby", msg_id, START, f"message {msg_id}", "It's spam", "look")


class Desk:
    """A database and its clock."""

    def __init__(self, terms: Terms = TERMS, connection: Connection | None = None) -> None:
        """Use a room in memory, or this one."""
        self.connection = connection or in_memory()
        self.connection.begin(milliseconds(START))
        self.terms = terms

    @property
    def at(self) -> datetime:
        """Return the time of the clock."""
        return moment(self.now)

    @property
    def now(self) -> int:
        """Return the time of the clock in milliseconds."""
        return self.connection.now

    @now.setter
    def now(self, now: int) -> None:
        self.connection.now = now

    def pass_time(self, seconds: float) -> None:
        """Move the clock, forward or back."""
        self.now += round(seconds * 1000)

    def submit(
        self, msg_id: int = 7, reporter: Person = ALICE, nonce: str | None = None, *, add: bool = False
    ) -> StoredReport:
        submission = Submission(reporter, evidence(msg_id, reporter.name), nonce, add)
        return reports.submit(self.terms, submission, self.connection)

    def withdraw(self, report_id: str, reporter: Person = ALICE) -> StoredReport:
        return reports.withdraw(self.terms, report_id, reporter, self.connection)

    def site_says(self, key: str, status: ReportState, note: str = "") -> StoredReport | None:
        return reports.site_said(key, status, note, self.connection)

    def claim(self, holder: str = "one", room: int = 4, busy: Collection[str] = ()) -> list[Claim]:
        """Lease the deliveries that are due; each carries the waiting reports of the same message."""
        return gathering.gather(self.connection, leases.claim(self.connection, "report", holder, room, busy))

    def next_due(self) -> float | None:
        """Return the seconds until a delivery can be claimed; 0 or less: now."""
        due = leases.next_due(self.connection, "report", ())
        return None if due is None else (due - self.now) / 1000

    def note(self, claim: Claim, result: Result, chance: float = 0.0) -> StoredReport | None:
        """Record the result of an attempt; return the report if its reporter is to be notified."""
        self.connection.begin(self.now)
        reports.record_attempt(claim, Attempt(self.now, 3, result), chance, self.connection)
        changed = [event.report for event in self.connection.announced if isinstance(event, ReportChanged)]
        return next((report for report in changed if report.id == claim.report_id), None)

    def try_next(self, result: Result, chance: float = 0.0) -> StoredReport | None:
        """Wait until the next delivery is due, and give its attempt this result."""
        self.pass_time(max(0.0, self.next_due() or 0.0))
        (claim,) = self.claim(room=1)
        return self.note(claim, result, chance)

    def fail_until_given_up(self) -> None:
        """Let all attempts fail until nothing is waiting."""
        while self.next_due() is not None:
            self.try_next(FAILED)

    def find(self, report_id: str) -> StoredReport:
        report = report_rows.find(report_id, self.connection)
        assert report
        return report

    def sent_by(self, identity: str, limit: int = 100) -> list[StoredReport]:
        """Return a person's reports as they are shown to that person."""
        return report_rows.sent_by(identity, limit, "report", self.connection)

    def values(self, query: str) -> list[object]:
        """Return the first column of a query's result."""
        return [row[0] for row in self.connection.execute(query)]
