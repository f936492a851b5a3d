"""Stored reports: saved once, delivered by the holder of the lease, with the status that the reporter sees."""

from collections.abc import Callable
from functools import partial

import pytest
from msgspec import structs

from server.protocol.codes import ErrorCode, ReportState
from server.rules.refusal import Refusal
from server.rules.reports import MAX_EXCERPT_CHARS
from server.rules.retries import FAILURES_TO_OPEN, Result
from server.rules.trail import Added, Reported, SiteSaid, Withdrawn, decode
from server.storage import leases, report_statuses, reports, retention, trail, webhook_state
from server.storage.leases import LEASE_SECONDS
from server.storage.people import MAX_KNOWN
from server.storage.report_rows import MAX_ADDITIONS
from server.storage.reports import Submission
from server.storage.retention import KeptDays
from tests.support.empty_room import ON_SQLITE
from tests.support.stored_reports import ACCEPTED, ALICE, BOB, FAILED, START, TERMS, Desk, evidence


def refusal(act: Callable[[], object]) -> Refusal:
    """Return the refusal of this call."""
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value


def test_a_report_is_stored_with_its_evidence_and_one_delivery(desk: Desk) -> None:
    report = desk.submit()
    assert (report.status, report.statement.message, report.reporter) == (ReportState.RECEIVED, "message 7", ALICE)
    assert trail.report_and_event(desk.connection, report.id, 1) == (evidence(), Reported(evidence(), ALICE.identity))
    (claim,) = desk.claim()
    assert (claim.report_id, claim.attempt) == (report.id, 1)
    after = desk.note(claim, ACCEPTED)
    assert after
    assert (after.status, after.error, after.next_at) == (ReportState.DELIVERED, "", None)
    assert not desk.claim()
    assert desk.next_due() is None


def test_the_site_gets_a_long_message_and_the_reporter_an_excerpt(desk: Desk) -> None:
    long = structs.replace(evidence(), message="x" * 16_384)
    report = reports.submit(desk.terms, Submission(ALICE, long, None, add=False), desk.connection)
    assert report.statement.message == "x" * MAX_EXCERPT_CHARS
    assert trail.report_and_event(desk.connection, report.id, 1)[0].message == long.message


def test_a_repeated_report_counts_once_and_returns_the_current_status(desk: Desk) -> None:
    first = desk.submit(nonce="n-1")
    desk.try_next(ACCEPTED)
    assert desk.submit(nonce="n-1") == desk.find(first.id)
    assert desk.next_due() is None


def test_a_nonce_is_unique_for_reports_for_a_day(desk: Desk) -> None:
    first = desk.submit(nonce="n-1")
    assert refusal(lambda: desk.submit(8, nonce="n-1")).code == ErrorCode.NONCE_USED
    other = Submission(ALICE, structs.replace(evidence(), comment="it goes on"), "n-1", add=True)
    submit = partial(reports.submit, desk.terms, other, desk.connection)
    assert refusal(submit).code == ErrorCode.NONCE_USED
    assert desk.submit(8, BOB, nonce="n-1").id != first.id
    desk.pass_time(24 * 3600)
    assert submit().id == first.id
    assert desk.submit(9, nonce="n-2").id != first.id


def test_a_second_report_of_a_message_is_refused_unless_it_adds(desk: Desk) -> None:
    first = desk.submit(nonce="n-1")
    assert refusal(lambda: desk.submit(nonce="n-2")).code == ErrorCode.ALREADY_REPORTED
    assert refusal(desk.submit).code == ErrorCode.ALREADY_REPORTED
    desk.try_next(ACCEPTED)
    added = desk.submit(nonce="n-3", add=True)
    assert (added.id, added.status) == (first.id, ReportState.RECEIVED)
    assert desk.submit(nonce="n-3", add=True) == added
    assert isinstance(decode(trail.rows(desk.connection, first.id)[1].content), Added)
    report = desk.try_next(ACCEPTED)
    assert report
    assert report.status is ReportState.DELIVERED
    assert desk.submit(reporter=BOB).id != first.id


def test_reports_of_one_person_are_limited_per_hour(desk: Desk) -> None:
    desk.terms = TERMS._replace(per_hour=3)
    for number in range(3):
        desk.submit(number + 1)
        desk.pass_time(60)
    refused = refusal(lambda: desk.submit(9))
    assert refused.code == ErrorCode.TOO_MANY_REPORTS
    assert "57 min" in refused.message or "58 min" in refused.message
    assert refusal(lambda: desk.submit(1, add=True)).code == ErrorCode.TOO_MANY_REPORTS
    assert desk.submit(9, BOB)
    desk.pass_time(58 * 60)
    assert desk.submit(9)


def test_a_clock_that_was_set_back_does_not_block_a_reporter(desk: Desk) -> None:
    desk.terms = TERMS._replace(per_hour=1)
    desk.submit(1)
    desk.pass_time(-7200)
    assert desk.submit(2)


def test_a_failed_report_has_its_cause_and_the_time_of_the_next_attempt(desk: Desk) -> None:
    report = desk.submit()
    after = desk.try_next(FAILED)
    assert after
    assert (after.status, after.error) == (ReportState.WAITING, FAILED.words)
    assert after.next_at == desk.now + 5000
    assert not desk.claim()
    desk.pass_time(5)
    (claim,) = desk.claim()
    assert (claim.report_id, claim.attempt) == (report.id, 2)


@ON_SQLITE
def test_a_report_is_given_up_after_the_last_attempt_and_can_be_replayed(desk: Desk) -> None:
    report = desk.submit()
    desk.fail_until_given_up()
    after = desk.find(report.id)
    assert (after.status, after.error, after.next_at) == (ReportState.GIVEN_UP, FAILED.words, None)
    assert desk.values("SELECT attempts FROM delivery") == [10]
    desk.pass_time(400)
    (delivery_id,) = desk.values("SELECT id FROM delivery")
    assert reports.replay(str(delivery_id), desk.connection) == report.id
    assert desk.find(report.id).status is ReportState.RECEIVED
    (claim,) = desk.claim()
    assert (claim.id, claim.attempt) == (delivery_id, 1)
    assert reports.replay("msg_unknown", desk.connection) is None


def test_a_leased_delivery_is_not_claimed_by_others_until_the_lease_expires(desk: Desk) -> None:
    desk.submit()
    (claim,) = desk.claim("one")
    assert not desk.claim("two")
    assert desk.next_due() == LEASE_SECONDS
    desk.pass_time(LEASE_SECONDS)
    (again,) = desk.claim("two")
    assert (again.id, again.holder) == (claim.id, "two")


def test_a_lease_is_renewed_right_before_sending(desk: Desk) -> None:
    """What comes before may take long; a holder that is too late does not send."""
    desk.submit()
    (claim,) = desk.claim()
    desk.pass_time(LEASE_SECONDS - 1)
    assert leases.renew(desk.connection, claim)
    desk.pass_time(LEASE_SECONDS - 1)
    assert not desk.claim("two")
    desk.pass_time(1)
    (other,) = desk.claim("two")
    assert not leases.renew(desk.connection, claim)
    assert leases.renew(desk.connection, other)


def test_the_delivery_due_for_the_longest_time_is_first(desk: Desk) -> None:
    sent = []
    for number in range(4):
        sent.append(desk.submit(number).id)
        desk.pass_time(1)
    assert [claim.report_id for _ in sent for claim in desk.claim(room=1)] == sent


@pytest.mark.parametrize("stop", ["'by an administrator', 0, 0, 0", "'', 9, 0, 9e15"], ids=["paused", "breaker open"])
def test_a_suspended_webhook_does_not_delay_another(desk: Desk, stop: str) -> None:
    columns = "name, paused, failures, opened_at, open_until"
    desk.connection.execute(f"INSERT INTO webhook ({columns}) VALUES ('another', {stop})")
    assert desk.submit().status is ReportState.RECEIVED
    (claim,) = desk.claim()
    assert webhook_state.read(desk.connection, "another").failures == (9 if "9" in stop else 0)
    desk.note(claim, ACCEPTED)
    desk.note(claim, FAILED)
    assert webhook_state.read(desk.connection, "another").failures == (9 if "9" in stop else 0)
    assert webhook_state.suspension(desk.connection, "another")


def test_a_delivery_in_flight_is_not_claimed_again(desk: Desk) -> None:
    desk.submit()
    (claim,) = desk.claim()
    desk.pass_time(3600)
    assert not desk.claim(busy=[claim.id])


def test_a_late_200_counts_and_a_late_failure_changes_nothing(desk: Desk) -> None:
    report = desk.submit()
    (late,) = desk.claim("one")
    desk.pass_time(LEASE_SECONDS)
    (current,) = desk.claim("two")
    assert desk.note(late, FAILED) is None
    assert not desk.claim("three")
    desk.note(late, ACCEPTED)
    assert desk.find(report.id).status is ReportState.DELIVERED
    desk.note(current, FAILED)
    assert desk.find(report.id).status is ReportState.DELIVERED
    desk.pass_time(10**6)
    assert desk.next_due() is None


@pytest.mark.parametrize("seconds", [-1, -3600, -(10**7)])
def test_a_clock_that_was_set_back_delays_nothing(desk: Desk, seconds: float) -> None:
    report = desk.submit()
    for _ in range(4):
        desk.try_next(FAILED)
    desk.pass_time(seconds)
    (claim,) = desk.claim()
    assert claim.report_id == report.id
    # Crashed, and the clock was set back once more: the lease counts for nothing.
    desk.pass_time(seconds)
    (claim,) = desk.claim("two")
    desk.note(claim, ACCEPTED)
    assert desk.find(report.id).status is ReportState.DELIVERED


def open_breaker(desk: Desk) -> None:
    """Let this number of reports fail, which opens the breaker."""
    for number in range(FAILURES_TO_OPEN):
        desk.submit(100 + number)
        for claim in desk.claim():
            desk.note(claim, FAILED)


def test_an_open_breaker_allows_one_probe_until_it_succeeds(desk: Desk) -> None:
    open_breaker(desk)
    assert not desk.claim()
    late = desk.submit(7)
    assert late.status is ReportState.WAITING
    assert late.error
    assert late.next_at == desk.now + 30_000
    desk.pass_time(30)
    (probe,) = desk.claim(room=4)
    assert not desk.claim("two")
    desk.note(probe, FAILED)
    assert not desk.claim()
    desk.pass_time(60)
    (probe,) = desk.claim()
    desk.note(probe, ACCEPTED)
    # The site is back: everything that waits is sent at once.
    assert len(desk.claim(room=100)) == FAILURES_TO_OPEN


def test_a_webhook_is_sent_and_probed_with_only_what_is_queued_for_it(desk: Desk) -> None:
    open_breaker(desk)
    others = desk.submit(7).id
    desk.connection.execute("UPDATE delivery SET webhook = 'another' WHERE report_id = ?", (others,))
    desk.pass_time(30)
    (theirs,) = leases.claim(desk.connection, "another", "one", 9, ())
    (probe,) = desk.claim()
    assert theirs.report_id == others != probe.report_id
    desk.note(theirs, FAILED)
    desk.note(probe, ACCEPTED)
    assert webhook_state.read(desk.connection, "another").failures == 1
    assert {claim.webhook for claim in desk.claim(room=100)} == {"report"}


def test_a_probe_that_crashed_is_followed_by_another_one(desk: Desk) -> None:
    open_breaker(desk)
    desk.pass_time(30)
    assert len(desk.claim()) == 1
    desk.pass_time(LEASE_SECONDS)
    assert len(desk.claim("two")) == 1


def test_a_requested_delay_is_kept_when_the_site_is_back(desk: Desk) -> None:
    asked = desk.submit(50)
    desk.try_next(Result(429, "No.", "status 429", "3600"))
    open_breaker(desk)
    desk.pass_time(60)
    (probe,) = desk.claim()
    desk.note(probe, ACCEPTED)
    assert asked.id not in {claim.report_id for claim in desk.claim(room=100)}


def test_a_clock_that_was_set_back_does_not_keep_a_breaker_open(desk: Desk) -> None:
    open_breaker(desk)
    desk.pass_time(-3600)
    assert desk.claim()


def test_410_pauses_the_webhook_until_an_administrator_resumes_it(desk: Desk) -> None:
    report = desk.submit()
    after = desk.try_next(Result(410, "Gone.", "status 410"))
    assert after
    assert (after.status, after.error, after.next_at) == (ReportState.WAITING, report_statuses.PAUSED, None)
    assert desk.submit(8).error == report_statuses.PAUSED
    desk.pass_time(10**7)
    assert desk.next_due() is None
    assert not desk.claim()
    webhook_state.resume(desk.connection, "report")
    claims = desk.claim()
    assert {claim.attempt for claim in claims} == {1}
    assert report.id in {claim.report_id for claim in claims}


def test_a_report_that_was_withdrawn_in_time_is_never_sent(desk: Desk) -> None:
    report = desk.submit()
    assert desk.withdraw(report.id).status is ReportState.WITHDRAWN
    assert desk.withdraw(report.id).status is ReportState.WITHDRAWN
    assert desk.next_due() is None
    assert len(trail.rows(desk.connection, report.id)) == 2


def test_only_its_reporter_can_withdraw_a_report(desk: Desk) -> None:
    report = desk.submit()
    unknown, others = refusal(lambda: desk.withdraw("rep_0")), refusal(lambda: desk.withdraw(report.id, BOB))
    assert unknown.code == others.code == ErrorCode.UNKNOWN_REPORT
    assert unknown.message == others.message


@pytest.mark.parametrize("evidence_on", [False, True])
@pytest.mark.parametrize("before", ["delivered", "in flight", "failed"])
def test_a_withdrawal_is_sent_if_the_site_may_have_the_report(desk: Desk, evidence_on: bool, before: str) -> None:
    desk.terms = TERMS._replace(evidence=evidence_on)
    report = desk.submit()
    (claim,) = desk.claim()
    if before != "in flight":
        desk.note(claim, ACCEPTED if before == "delivered" else FAILED)
    assert desk.withdraw(report.id).status is ReportState.WITHDRAWN
    if before == "in flight":
        assert desk.note(claim, ACCEPTED) is None
    told = [decode(trail.rows(desk.connection)[claim.seq - 1].content) for claim in desk.claim()]
    assert told == ([Withdrawn()] if evidence_on else [])
    desk.pass_time(10**6)
    assert desk.find(report.id).status is ReportState.WITHDRAWN


def test_a_resolved_report_cannot_be_withdrawn_until_its_reporter_adds_to_it(desk: Desk) -> None:
    report = desk.submit()
    desk.try_next(ACCEPTED)
    desk.site_says(report.id, ReportState.RESOLVED, "Banned.")
    rows = len(trail.rows(desk.connection))
    refused = refusal(lambda: desk.withdraw(report.id))
    assert (refused.code, "resolved" in refused.message) == (ErrorCode.REPORT_RESOLVED, True)
    after = desk.find(report.id)
    assert (after.status, after.note, len(trail.rows(desk.connection))) == (ReportState.RESOLVED, "Banned.", rows)
    desk.submit(add=True)
    assert desk.withdraw(report.id).status is ReportState.WITHDRAWN


def test_adding_to_a_withdrawn_report_opens_it_again(desk: Desk) -> None:
    report = desk.submit()
    desk.withdraw(report.id)
    assert desk.submit(add=True).status is ReportState.RECEIVED
    desk.try_next(ACCEPTED)
    assert desk.find(report.id).status is ReportState.DELIVERED


def test_the_site_sets_the_status_by_report_id_or_webhook_id(desk: Desk) -> None:
    report = desk.submit()
    desk.try_next(ACCEPTED)
    (webhook_id,) = desk.values("SELECT id FROM delivery")
    for key, status, note in (
        (report.id, ReportState.SEEN, ""),
        (str(webhook_id), ReportState.RESOLVED, "Banned."),
    ):
        after = reports.site_said(key, status, note, desk.connection)
        assert after
        assert (after.status, after.note, after.notified) == (status, note, False)
    assert isinstance(decode(trail.rows(desk.connection)[-1].content), SiteSaid)
    rows = len(trail.rows(desk.connection))
    reports.site_said(report.id, ReportState.RESOLVED, "Banned.", desk.connection)
    assert len(trail.rows(desk.connection)) == rows
    assert reports.site_said("rep_0", ReportState.SEEN, "", desk.connection) is None


def test_a_status_of_the_site_survives_a_late_attempt_but_not_a_withdrawal(desk: Desk) -> None:
    report = desk.submit()
    (claim,) = desk.claim()
    reports.site_said(claim.id, ReportState.SEEN, "", desk.connection)
    assert desk.note(claim, ACCEPTED) is None
    assert desk.find(report.id).status is ReportState.SEEN
    desk.withdraw(report.id)
    after = reports.site_said(report.id, ReportState.RESOLVED, "Done.", desk.connection)
    assert after
    assert (after.status, after.note) == (ReportState.WITHDRAWN, "Done.")


def test_a_change_is_unnotified_until_the_reporter_was_notified(desk: Desk) -> None:
    report = desk.submit()
    assert report.notified
    desk.try_next(FAILED)
    assert not desk.find(report.id).notified
    reports.set_notified([report.id], desk.connection)
    # The same failure once more is no news.
    desk.try_next(FAILED)
    assert desk.find(report.id).notified
    desk.try_next(ACCEPTED)
    assert not desk.find(report.id).notified


def test_a_person_sees_their_own_reports_the_latest_first(desk: Desk) -> None:
    first, second = desk.submit(1), desk.submit(2)
    desk.submit(1, BOB)
    assert [report.id for report in desk.sent_by(ALICE.identity)] == [second.id, first.id]
    assert len(desk.sent_by(ALICE.identity, 1)) == 1


def test_a_person_sees_their_latest_additions(desk: Desk) -> None:
    first = desk.submit()
    assert first.additions == ()
    for seconds in range(MAX_ADDITIONS + 1):
        desk.pass_time(seconds)
        desk.submit(add=True)
    (report,) = desk.sent_by(ALICE.identity)
    assert [(added.at - first.at) // 1000 for added in report.additions] == [1, 3, 6]
    assert {added[1:] for added in report.additions} == {("It's spam", "look")}
    desk.connection.execute("UPDATE trail SET content = content || '}' WHERE seq = 4")
    assert len(desk.find(first.id).additions) == MAX_ADDITIONS - 1


def test_attempts_and_texts_of_deleted_messages_expire(desk: Desk) -> None:
    desk.submit()
    desk.try_next(FAILED)
    for taken_back_at in (desk.now, None):
        desk.connection.execute(
            "INSERT INTO message (at, author, author_identity, channel, author_key, text, taken_back_at)"
            " VALUES (0, 'bob', 'b', 'lobby', 'bob', 'hi', ?)",
            (taken_back_at,),
        )
    day = 24 * 3600 * 1000
    assert not retention.sweep(desk.connection, desk.now + 30 * day, KeptDays(30, 30))
    assert desk.values("SELECT text FROM message") == ["hi", "hi"]
    assert len(desk.values("SELECT id FROM attempt")) == 1
    retention.sweep(desk.connection, desk.now + 30 * day + 1, KeptDays(30, 30))
    assert desk.values("SELECT text FROM message ORDER BY id") == ["", "hi"]
    assert not desk.values("SELECT id FROM attempt")


def test_many_expired_rows_are_deleted_in_batches(desk: Desk) -> None:
    desk.connection.executemany(
        "INSERT INTO attempt (delivery_id, at, milliseconds, answer, error) VALUES ('', 0, 0, '', ?)",
        [("",)] * (retention.BATCH + 1),
    )
    assert retention.sweep(desk.connection, desk.now, KeptDays(30, 30))
    assert not retention.sweep(desk.connection, desk.now, KeptDays(30, 30))
    assert not desk.values("SELECT id FROM attempt")


@ON_SQLITE
def test_only_the_latest_people_are_kept(desk: Desk) -> None:
    desk.connection.executemany(
        "INSERT INTO person (identity, name, seen_at, last_message) VALUES (?, ?, ?, 0)",
        ((f"i-{each}", "guest", each) for each in range(MAX_KNOWN + 2)),
    )
    assert not retention.sweep(desk.connection, desk.now, KeptDays(30, 30))
    assert desk.values("SELECT count(*) FROM person") == [MAX_KNOWN]
    assert desk.values("SELECT min(seen_at) FROM person") == [2]


def test_the_trail_starts_with_the_report(desk: Desk) -> None:
    report = desk.submit()
    (row,) = trail.rows(desk.connection)
    assert (row.seq, row.report_id, row.at) == (1, report.id, int(START.timestamp() * 1000))
    assert decode(row.content) == Reported(evidence(), ALICE.identity)
    count, head = trail.verify(desk.connection)
    assert (count, head) == (1, row.hash)
