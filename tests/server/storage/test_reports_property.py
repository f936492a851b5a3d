"""Whatever crashes, answers and happens to the clock, each report is completed, and none is sent after a 200."""

from collections.abc import Iterator
from contextlib import suppress
from typing import ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, consumes, invariant, multiple, rule

from server.protocol.codes import ReportState
from server.rules.refusal import Refusal
from server.rules.retries import Result
from server.storage import leases, reports, trail, webhook_state
from server.storage.leases import LEASE_SECONDS, Claim
from server.storage.sqlite_connection import SqliteConnection
from tests.support.empty_room import Connection, PostgresRoom, in_memory
from tests.support.stored_reports import ACCEPTED, ALICE, BOB, FAILED, TERMS, Desk

ENDS = {ReportState.DELIVERED, ReportState.GIVEN_UP, ReportState.WITHDRAWN, ReportState.SEEN, ReportState.RESOLVED}
RESULTS = st.sampled_from(
    [
        ACCEPTED,
        ACCEPTED,
        FAILED,
        Result(None, "It broke off.", "reset"),
        Result(410, "Gone."),
        Result(429, "No.", "", "900"),
    ]
)
WORKERS = st.sampled_from(["one", "two"])


class Outbox(RuleBasedStateMachine):
    """Two workers on one database; a claim without a recorded attempt is a crashed worker."""

    claims: Bundle[Claim] = Bundle("claims")
    sent: Bundle[Claim] = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(TERMS._replace(evidence=True), self.open())
        self.received: list[str] = []
        """In order of creation: IDs are random, so sorting by them would differ between runs."""
        self.noted: set[str] = set()
        """Deliveries whose 200 is stored."""
        self.sent_after: list[Claim] = []

    def open(self) -> Connection:
        """Return a connection to an empty room."""
        return in_memory()

    @rule(
        msg_id=st.integers(1, 5),
        reporter=st.sampled_from([ALICE, BOB]),
        add=st.booleans(),
        nonce=st.sampled_from("abcdef"),
    )
    def report(self, msg_id: int, reporter: object, add: bool, nonce: str) -> None:
        try:
            report = self.desk.submit(msg_id, BOB if reporter == BOB else ALICE, nonce, add=add)
        except Refusal:
            return
        if report.id not in self.received:
            self.received.append(report.id)

    @rule(target=claims, worker=WORKERS, room=st.integers(1, 3))
    def claim(self, worker: str, room: int) -> MultipleResults[Claim]:
        claimed = self.desk.claim(worker, room)
        self.sent_after += [claim for claim in claimed if claim.id in self.noted]
        return multiple(*claimed)

    @rule(claim=consumes(claims), result=RESULTS, chance=st.floats(0, 1))
    def answer(self, claim: Claim, result: Result, chance: float) -> None:
        if not leases.renew(self.desk.connection, claim):
            return
        if claim.id in self.noted:
            self.sent_after.append(claim)
        self.desk.note(claim, result, chance)
        if result.accepted:
            self.noted.add(claim.id)

    @rule(target=sent, claim=consumes(claims))
    def send(self, claim: Claim) -> MultipleResults[Claim]:
        """Send it to the site, whose answer arrives late, after the lease, or never."""
        if not leases.renew(self.desk.connection, claim):
            return multiple()
        if claim.id in self.noted:
            self.sent_after.append(claim)
        return multiple(claim)

    @rule(target=claims, claim=consumes(sent), result=RESULTS, chance=st.floats(0, 1))
    def takes_longer_than_its_lease(self, claim: Claim, result: Result, chance: float) -> MultipleResults[Claim]:
        """Have another worker claim it before the answer arrives."""
        self.desk.pass_time(LEASE_SECONDS)
        others = self.desk.claim("two" if claim.holder == "one" else "one", 3)
        self.late_answer(claim, result, chance)
        return multiple(*others)

    @rule(claim=consumes(sent), result=RESULTS, chance=st.floats(0, 1))
    def answer_late(self, claim: Claim, result: Result, chance: float) -> None:
        self.late_answer(claim, result, chance)

    def late_answer(self, claim: Claim, result: Result, chance: float) -> None:
        self.desk.note(claim, result, chance)
        if result.accepted:
            self.noted.add(claim.id)

    @rule(claim=consumes(claims))
    def crash(self, claim: Claim) -> None:
        """Crash before or after sending."""

    @rule(seconds=st.sampled_from([1, 6, 31, 300, 7200, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.desk.pass_time(seconds)

    @rule(seconds=st.sampled_from([1, 3600, 10**6]))
    def clock_is_set_back(self, seconds: int) -> None:
        self.desk.pass_time(-seconds)

    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        if self.received:
            report = self.desk.find(data.draw(st.sampled_from(self.received)))
            with suppress(Refusal):
                self.desk.withdraw(report.id, report.reporter)

    @rule(data=st.data(), status=st.sampled_from([ReportState.SEEN, ReportState.RESOLVED]))
    def site_calls(self, data: st.DataObject, status: ReportState) -> None:
        if self.received:
            key = data.draw(st.sampled_from(self.received))
            reports.site_said(key, status, "", self.desk.connection)

    @rule()
    def operator_resumes(self) -> None:
        webhook_state.resume(self.desk.connection, "report")

    @invariant()
    def nothing_is_sent_after_a_200_that_was_noted(self) -> None:
        assert not self.sent_after

    @invariant()
    def reports_marked_delivered_were_accepted(self) -> None:
        # By itself, or in the post of another report, even if the answer to its own post arrives later.
        delivered = self.desk.connection.execute("SELECT id, gathered_in FROM delivery WHERE state = 'delivered'")
        assert all({taken, along} & self.noted for taken, along in delivered)

    @invariant()
    def no_report_is_lost_and_the_trail_verifies(self) -> None:
        assert set(self.desk.values("SELECT id FROM report")) == set(self.received)
        trail.verify(self.desk.connection)

    @invariant()
    def each_waiting_report_has_a_reason(self) -> None:
        waiting = self.desk.values("SELECT error FROM report WHERE status IN ('waiting', 'given-up')")
        assert all(waiting)

    def teardown(self) -> None:
        """Check that without the earlier workers each report is completed in time, whether the site answers or not."""
        webhook_state.resume(self.desk.connection, "report")
        for round_ in range(2000):
            due = self.desk.next_due()
            if due is None:
                # What is left may wait for a delivery of the same report that a crashed worker holds.
                self.desk.pass_time(LEASE_SECONDS)
                due = self.desk.next_due()
            if due is None:
                break
            # At least a second: the lease of a probe that crashed may have to end first.
            self.desk.pass_time(max(1.0, due))
            for claim in self.desk.claim("last"):
                assert claim.id not in self.noted
                result = FAILED if round_ < len(self.received) % 7 * 20 else ACCEPTED
                self.desk.note(claim, result)
                if result.accepted:
                    self.noted.add(claim.id)
        assert self.desk.next_due() is None
        self.reports_marked_delivered_were_accepted()
        assert {self.desk.find(report_id).status for report_id in self.received} <= ENDS
        if isinstance(self.desk.connection, SqliteConnection):
            self.desk.connection.close()


class OutboxInPostgres(Outbox):
    """The same on PostgreSQL, with a few examples."""

    rooms: ClassVar[list[PostgresRoom]] = []

    def open(self) -> Connection:
        """See Outbox."""
        self.rooms[0].empty()
        return self.rooms[0].connection


@pytest.fixture
def _in_postgres(postgres_room: PostgresRoom) -> Iterator[None]:
    OutboxInPostgres.rooms.append(postgres_room)
    yield
    OutboxInPostgres.rooms.clear()
    postgres_room.empty()


class OutboxAtLength(Outbox):
    """The same, with many more examples."""


Outbox.TestCase.settings = settings(max_examples=25, stateful_step_count=40)
OutboxInPostgres.TestCase.settings = settings(max_examples=4, stateful_step_count=30)
OutboxAtLength.TestCase.settings = settings(max_examples=400, stateful_step_count=40)
TestOutbox = Outbox.TestCase
TestOutboxInPostgres = pytest.mark.usefixtures("_in_postgres")(OutboxInPostgres.TestCase)
TestOutboxAtLength = pytest.mark.slow(OutboxAtLength.TestCase)
