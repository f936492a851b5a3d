"""What is said of one report, in the order in which it was said, and what the site says of it."""

import pytest

from server.engine import outbox, reports, trail
from server.engine.outbox import LEASE_SECONDS
from server.protocol.codes import ReportState
from server.rules.deliveries import FAILURES_TO_OPEN, SCHEDULE_SECONDS, Result
from server.rules.trail import Withdrawn, decode
from tests.support.desk import ALICE, BOB, FAILED, TAKEN, TERMS, Desk


@pytest.fixture
def desk() -> Desk:
    """The site hears of withdrawals."""
    return Desk(TERMS._replace(evidence=True))


def site_says(desk: Desk, report_id: str, status: ReportState, note: str = "") -> None:
    """The site calls back."""
    assert reports.site_said(report_id, status, note, lambda: desk.at, desk.connection)


def test_what_the_site_says_does_not_count_as_a_report_of_the_reporter() -> None:
    desk = Desk(TERMS._replace(per_hour=3))
    for number in (1, 2):
        site_says(desk, desk.submit(number).id, ReportState.RESOLVED, "Banned.")
    assert desk.submit(3).status is ReportState.RECEIVED


def test_a_row_that_is_no_json_any_more_fails_nobody_elses_report() -> None:
    """All that is committed at once would fail with it."""
    desk = Desk(TERMS._replace(per_hour=3))
    desk.submit(1)
    desk.connection.execute("UPDATE trail SET content = '{'")
    assert desk.submit(2).status is ReportState.RECEIVED


def test_a_repeated_word_of_the_site_is_no_news_also_of_a_report_that_was_withdrawn(desk: Desk) -> None:
    report = desk.submit()
    desk.withdraw(report.id)
    site_says(desk, report.id, ReportState.SEEN, "Noted.")
    reports.set_told([report.id], desk.connection)
    site_says(desk, report.id, ReportState.SEEN, "Noted.")
    assert desk.find(report.id).told
    assert len(trail.rows(desk.connection)) == 3
    site_says(desk, report.id, ReportState.RESOLVED, "Noted.")
    site_says(desk, report.id, ReportState.SEEN, "Noted.")
    assert len(trail.rows(desk.connection)) == 5
    assert not desk.find(report.id).told


def test_what_the_site_said_outlasts_a_failure_and_a_replay(desk: Desk) -> None:
    """It has the report, though it was late to answer; an attempt that fails then says nothing new."""
    report = desk.submit()
    desk.try_next(FAILED)
    site_says(desk, report.id, ReportState.RESOLVED, "Banned.")
    assert desk.try_next(FAILED) is None
    for _ in SCHEDULE_SECONDS:
        if desk.next_due() is not None:
            assert desk.try_next(FAILED) is None
    assert desk.values("SELECT state FROM delivery") == ["given-up"]
    assert (desk.find(report.id).status, desk.find(report.id).note) == (ReportState.RESOLVED, "Banned.")
    (delivery_id,) = desk.values("SELECT id FROM delivery")
    reports.replay(str(delivery_id), "report", lambda: desk.at, desk.connection)
    desk.try_next(TAKEN)
    assert desk.find(report.id).status is ReportState.RESOLVED
    assert desk.submit(add=True).status is not ReportState.RESOLVED


def test_the_site_hears_of_a_withdrawal_also_after_a_replay(desk: Desk) -> None:
    """A replay counts its attempts anew, but what the site has it has."""
    report = desk.submit()
    (claim,) = desk.claim()
    desk.note(claim, TAKEN)
    reports.replay(claim.id, "report", lambda: desk.at, desk.connection)
    desk.withdraw(report.id)
    (claim,) = desk.claim()
    assert decode(trail.rows(desk.connection)[claim.seq - 1].content) == Withdrawn()


@pytest.mark.parametrize("answer", [TAKEN, FAILED])
def test_a_withdrawal_waits_for_an_attempt_that_is_under_way(desk: Desk, answer: Result) -> None:
    """Or the site would hear of it first, and keep a report that nobody stands by any more."""
    report = desk.submit()
    (claim,) = desk.claim()
    desk.withdraw(report.id)
    assert desk.next_due() is None
    assert not desk.claim("two")
    assert desk.submit(8).id != report.id
    assert [other.report_id != report.id for other in desk.claim("two")] == [True]
    desk.note(claim, answer)
    assert [each.seq for each in desk.claim()] == [2]


def test_a_withdrawal_does_not_wait_for_whoever_crashed(desk: Desk) -> None:
    report = desk.submit()
    desk.claim()
    desk.withdraw(report.id)
    desk.pass_time(LEASE_SECONDS)
    assert [each.seq for each in desk.claim("two")] == [2]


@pytest.mark.parametrize("answer", [None, TAKEN, FAILED])
def test_a_report_that_stands_again_is_the_last_that_the_site_hears(desk: Desk, answer: Result | None) -> None:
    """Whether its withdrawal has failed, is under way and arrives, or is under way and fails."""
    report = desk.submit()
    desk.try_next(TAKEN)
    desk.withdraw(report.id)
    (withdrawal,) = desk.claim()
    if answer is None:
        desk.note(withdrawal, FAILED)
    assert desk.submit(add=True).status is ReportState.RECEIVED
    if answer:
        assert not desk.claim()
        desk.note(withdrawal, answer)
    (claim,) = desk.claim()
    assert claim.seq == 3
    desk.note(claim, TAKEN)
    assert desk.next_due() is None
    assert desk.find(report.id).status is ReportState.DELIVERED


def test_what_is_added_does_not_wait_for_what_has_failed(desk: Desk) -> None:
    desk.submit()
    desk.try_next(FAILED)
    desk.submit(add=True)
    assert [each.seq for each in desk.claim()] == [2]


def test_whoever_looks_at_a_report_that_waits_sees_when_its_webhook_is_used_again(desk: Desk) -> None:
    """Also if others' reports have met what holds it up: the time that stood there would come and go."""
    desk.submit(1)
    desk.try_next(FAILED)
    (stood,) = desk.sent_by(ALICE.identity)
    assert stood.next_at == desk.now + SCHEDULE_SECONDS[0] * 1000
    for number in range(FAILURES_TO_OPEN):
        desk.submit(number, BOB)
        for claim in desk.claim(room=1):
            desk.note(claim, FAILED)
    (stood,) = desk.sent_by(ALICE.identity)
    assert (stood.status, stood.error, stood.next_at) == (ReportState.WAITING, FAILED.words, desk.now + 30_000)
    outbox.pause(desk.connection, "report", "by the operator")
    (stood,) = desk.sent_by(ALICE.identity)
    assert (stood.status, stood.error, stood.next_at) == (ReportState.WAITING, reports.PAUSED, None)
    desk.withdraw(stood.id)
    (stood,) = desk.sent_by(ALICE.identity)
    assert (stood.status, stood.error) == (ReportState.WITHDRAWN, "")


@pytest.mark.parametrize("content", ["{", '{"kind":"withdrawn"}'])
def test_a_report_that_cannot_be_read_any_more_does_not_hide_the_others(desk: Desk, content: str) -> None:
    """They are sent at each login, which would fail."""
    desk.submit(1)
    desk.connection.execute("UPDATE trail SET content = ?", (content,))
    other = desk.submit(2)
    assert desk.sent_by(ALICE.identity) == [other]
