"""The order of the events of one report, and the statuses of the site."""

import itertools

import pytest

from server.protocol.codes import ReportState
from server.rules.retries import FAILURES_TO_OPEN, OPEN_SECONDS, SCHEDULE_SECONDS, Result
from server.rules.trail import Withdrawn, decode
from server.storage import leases, report_statuses, reports, trail, webhook_state
from server.storage.leases import LEASE_SECONDS
from tests.support.empty_room import ON_SQLITE
from tests.support.stored_reports import ACCEPTED, ALICE, BOB, FAILED, TERMS, Desk


@pytest.fixture(autouse=True)
def _terms(desk: Desk) -> None:
    desk.terms = TERMS._replace(evidence=True)


def site_says(desk: Desk, report_id: str, status: ReportState, note: str = "") -> None:
    """Let the site call back."""
    assert reports.site_said(report_id, status, note, desk.connection)


def test_a_status_of_the_site_does_not_count_as_a_report(desk: Desk) -> None:
    desk.terms = TERMS._replace(per_hour=3)
    for number in (1, 2):
        site_says(desk, desk.submit(number).id, ReportState.RESOLVED, "Banned.")
    assert desk.submit(3).status is ReportState.RECEIVED


def test_a_damaged_row_does_not_affect_other_reporters(desk: Desk) -> None:
    """Otherwise all writes of the same commit would fail."""
    desk.terms = TERMS._replace(per_hour=3)
    desk.submit(1)
    desk.connection.execute("UPDATE trail SET content = '{'")
    assert desk.submit(2).status is ReportState.RECEIVED


def test_a_repeated_status_of_the_site_changes_nothing(desk: Desk) -> None:
    report = desk.submit()
    desk.withdraw(report.id)
    site_says(desk, report.id, ReportState.SEEN, "Noted.")
    reports.set_notified([report.id], desk.connection)
    site_says(desk, report.id, ReportState.SEEN, "Noted.")
    assert desk.find(report.id).notified
    assert len(trail.rows(desk.connection)) == 3
    site_says(desk, report.id, ReportState.RESOLVED, "Noted.")
    site_says(desk, report.id, ReportState.SEEN, "Noted.")
    assert len(trail.rows(desk.connection)) == 4
    assert not desk.find(report.id).notified


CALLS = [
    (ReportState.SEEN, ""),
    (ReportState.SEEN, "Noted."),
    (ReportState.RESOLVED, ""),
    (ReportState.RESOLVED, "Banned."),
]


@pytest.mark.parametrize("calls", itertools.permutations(CALLS, 3), ids=str)
def test_a_status_of_the_site_only_moves_forward(desk: Desk, calls: list[tuple[ReportState, str]]) -> None:
    report = desk.submit()
    status, note = ReportState.RECEIVED, ""
    for said, words in calls:
        site_says(desk, report.id, said, words)
        if (status, said) != (ReportState.RESOLVED, ReportState.SEEN):
            status, note = said, words or note
        found = desk.find(report.id)
        assert (found.status, found.note) == (status, note)
    trail.verify(desk.connection)


def test_an_addition_can_be_seen_and_resolved_like_a_new_report(desk: Desk) -> None:
    report = desk.submit()
    site_says(desk, report.id, ReportState.RESOLVED, "Banned.")
    desk.submit(add=True)
    site_says(desk, report.id, ReportState.SEEN)
    assert (desk.find(report.id).status, desk.find(report.id).note) == (ReportState.SEEN, "")


@ON_SQLITE
def test_a_status_of_the_site_survives_a_failure_and_a_replay(desk: Desk) -> None:
    """The site has it, even if it answered late; a failed attempt afterwards says nothing new."""
    report = desk.submit()
    desk.try_next(FAILED)
    site_says(desk, report.id, ReportState.RESOLVED, "Banned.")
    assert desk.try_next(FAILED) is None
    while desk.next_due() is not None:
        assert desk.try_next(FAILED) is None
    assert desk.values("SELECT state FROM delivery") == ["given-up"]
    assert (desk.find(report.id).status, desk.find(report.id).note) == (ReportState.RESOLVED, "Banned.")
    (delivery_id,) = desk.values("SELECT id FROM delivery")
    reports.replay(str(delivery_id), desk.connection)
    desk.try_next(ACCEPTED)
    assert desk.find(report.id).status is ReportState.RESOLVED
    assert desk.submit(add=True).status is not ReportState.RESOLVED


def test_a_withdrawal_is_sent_even_after_a_replay(desk: Desk) -> None:
    """A replay resets the attempts, but the site may still have the report."""
    report = desk.submit()
    (claim,) = desk.claim()
    desk.note(claim, ACCEPTED)
    reports.replay(claim.id, desk.connection)
    desk.withdraw(report.id)
    (claim,) = desk.claim()
    assert decode(trail.rows(desk.connection)[claim.seq - 1].content) == Withdrawn()


@pytest.mark.parametrize("answer", [ACCEPTED, FAILED])
def test_a_withdrawal_waits_for_an_attempt_in_flight(desk: Desk, answer: Result) -> None:
    """Otherwise the withdrawal would arrive first, and the site would keep the report."""
    report = desk.submit()
    (claim,) = desk.claim()
    desk.withdraw(report.id)
    assert desk.next_due() is None
    assert not desk.claim("two")
    assert desk.submit(8).id != report.id
    assert [other.report_id != report.id for other in desk.claim("two")] == [True]
    desk.note(claim, answer)
    assert [each.seq for each in desk.claim()] == [2]


def test_a_withdrawal_does_not_wait_for_a_crashed_holder(desk: Desk) -> None:
    report = desk.submit()
    desk.claim()
    desk.withdraw(report.id)
    desk.pass_time(LEASE_SECONDS)
    assert [each.seq for each in desk.claim("two")] == [2]


@pytest.mark.parametrize("answer", [None, ACCEPTED, FAILED])
def test_a_reopened_report_is_the_last_one_sent(desk: Desk, answer: Result | None) -> None:
    """Covers all results of the withdrawal: it failed before, is in flight and arrives, or is in flight and fails."""
    report = desk.submit()
    desk.try_next(ACCEPTED)
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
    desk.note(claim, ACCEPTED)
    assert desk.next_due() is None
    assert desk.find(report.id).status is ReportState.DELIVERED


def test_an_addition_does_not_wait_for_a_failed_report(desk: Desk) -> None:
    desk.submit()
    desk.try_next(FAILED)
    desk.submit(add=True)
    assert [each.seq for each in desk.claim()] == [2]


def test_a_waiting_report_shows_when_its_webhook_is_used_again(desk: Desk) -> None:
    """This holds even if reports of others opened the breaker; otherwise the time would pass without an attempt."""
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
    webhook_state.pause(desk.connection, "report", "by an administrator")
    (stood,) = desk.sent_by(ALICE.identity)
    assert (stood.status, stood.error, stood.next_at) == (ReportState.WAITING, report_statuses.PAUSED, None)
    desk.withdraw(stood.id)
    (stood,) = desk.sent_by(ALICE.identity)
    assert (stood.status, stood.error) == (ReportState.WITHDRAWN, "")


@pytest.mark.parametrize("content", ["{", '{"kind":"withdrawn"}'])
def test_a_damaged_report_does_not_hide_the_others(desk: Desk, content: str) -> None:
    """The list is sent at each login, which would fail."""
    desk.submit(1)
    desk.connection.execute("UPDATE trail SET content = ?", (content,))
    other = desk.submit(2)
    assert desk.sent_by(ALICE.identity) == [other]


def give_up(desk: Desk) -> None:
    """Let the only waiting delivery fail until it is given up; the breaker is closed again by then."""
    while desk.next_due() is not None:
        desk.try_next(FAILED)
    desk.connection.execute("DELETE FROM webhook")


@ON_SQLITE
def test_the_status_of_a_report_follows_its_waiting_deliveries(desk: Desk) -> None:
    """It does not follow those given up before, whose time has passed."""
    report = desk.submit()
    give_up(desk)
    desk.submit(add=True)
    desk.try_next(Result(503, "It answered with status 503.", "status 503"))
    found = desk.find(report.id)
    assert (found.status, found.error) == (ReportState.WAITING, "It answered with status 503.")
    assert found.next_at == desk.now + SCHEDULE_SECONDS[0] * 1000


@ON_SQLITE
def test_a_delivered_addition_counts_for_a_report_that_was_given_up(desk: Desk) -> None:
    report = desk.submit()
    give_up(desk)
    assert desk.find(report.id).status is ReportState.GIVEN_UP
    desk.submit(add=True)
    desk.try_next(ACCEPTED)
    assert (desk.find(report.id).status, desk.find(report.id).error) == (ReportState.DELIVERED, "")


@ON_SQLITE
def test_a_replay_clears_the_previous_error(desk: Desk) -> None:
    report = desk.submit()
    give_up(desk)
    (delivery_id,) = desk.values("SELECT id FROM delivery")
    reports.replay(str(delivery_id), desk.connection)
    assert (desk.find(report.id).status, desk.find(report.id).error) == (ReportState.RECEIVED, "")


@ON_SQLITE
def test_a_status_of_the_site_does_not_hide_a_lost_addition(desk: Desk) -> None:
    report = desk.submit()
    desk.try_next(ACCEPTED)
    desk.submit(add=True)
    site_says(desk, report.id, ReportState.RESOLVED, "Banned.")
    give_up(desk)
    found = desk.find(report.id)
    assert (found.status, found.note, found.notified) == (ReportState.GIVEN_UP, "Banned.", False)


def test_no_other_probe_is_sent_while_a_withdrawn_one_is_in_flight(desk: Desk) -> None:
    desk.submit()
    for _ in range(FAILURES_TO_OPEN):
        desk.try_next(FAILED)
    desk.submit(2)
    desk.pass_time(3600)
    (probe,) = desk.claim()
    desk.withdraw(probe.report_id)
    assert desk.claim() == []
    desk.note(probe, ACCEPTED)
    assert desk.claim()


def test_failures_in_flight_do_not_keep_the_breaker_open_longer(desk: Desk) -> None:
    for number in range(FAILURES_TO_OPEN + 3):
        desk.submit(number)
    for claim in desk.claim(room=8):
        desk.note(claim, FAILED)
    stop = webhook_state.suspension(desk.connection, "report")
    assert stop
    assert stop.until == desk.now + OPEN_SECONDS * 1000


@pytest.mark.parametrize("seconds", [-3, LEASE_SECONDS + 1])
def test_deliveries_stay_in_order_when_the_clock_is_set_back(desk: Desk, seconds: int) -> None:
    report = desk.submit()
    (claim,) = desk.claim()
    desk.pass_time(seconds)
    desk.withdraw(report.id)
    assert desk.claim(busy=[claim.id]) == []
    assert leases.next_due(desk.connection, "report", [claim.id]) is None
    desk.note(claim, ACCEPTED)
    assert [each.seq for each in desk.claim()] == [2]


def test_a_pause_is_not_shown_after_it_ended(desk: Desk) -> None:
    report = desk.submit()
    webhook_state.pause(desk.connection, "report", "by a test")
    (paused,) = desk.sent_by(ALICE.identity)
    assert paused.error == report_statuses.PAUSED
    desk.submit(add=True)
    assert desk.find(report.id).error == report_statuses.PAUSED
    webhook_state.resume(desk.connection, "report")
    (resumed,) = desk.sent_by(ALICE.identity)
    assert resumed.error == ""


def test_unnotified_reports_are_listed_first(desk: Desk) -> None:
    first = desk.submit(1)
    later = [desk.submit(number).id for number in (2, 3)]
    site_says(desk, first.id, ReportState.RESOLVED)
    assert [report.id for report in desk.sent_by(ALICE.identity, 2)] == [first.id, later[1]]
    reports.set_notified([first.id], desk.connection)
    assert [report.id for report in desk.sent_by(ALICE.identity, 2)] == [later[1], later[0]]


@pytest.mark.parametrize("before", [True, False])
def test_only_the_site_sees_a_text_deleted_before_the_report(desk: Desk, before: bool) -> None:
    desk.connection.execute(
        "INSERT INTO message (id, at, author, author_identity, author_key, channel, text, taken_back_at)"
        " VALUES (7, 0, 'mallory', 'm', 'mallory', 'lobby', 'text', ?)",
        (desk.now if before else None,),
    )
    desk.pass_time(-5)
    report = desk.submit()
    desk.connection.execute("UPDATE message SET taken_back_at = ?", (desk.now - 60_000,))
    assert desk.find(report.id).taken_back is before
