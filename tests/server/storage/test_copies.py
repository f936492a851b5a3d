"""Several webhooks get each report: each has its own queue, and the first one decides the status."""

import pytest

from server.protocol.codes import ReportState
from server.rules.refusal import Refusal
from server.rules.retries import FAILURES_TO_OPEN, Result
from server.storage import leases, webhook_state
from server.storage.leases import Claim
from tests.support.empty_room import ON_SQLITE
from tests.support.stored_reports import ACCEPTED, ALICE, FAILED, TERMS, Desk


@pytest.fixture(autouse=True)
def _terms(desk: Desk) -> None:
    desk.terms = TERMS._replace(copies=(("archive", True),))


def claim(desk: Desk, webhook: str) -> list[Claim]:
    return leases.claim(desk.connection, webhook, "one", 9, ())


def test_each_webhook_gets_the_report_under_an_id_of_its_own(desk: Desk) -> None:
    report = desk.submit()
    (first,), (copy,) = claim(desk, "report"), claim(desk, "archive")
    assert first.report_id == copy.report_id == report.id
    assert first.id != copy.id


@pytest.mark.parametrize("result", [ACCEPTED, FAILED, Result(410, "Gone.")])
def test_the_result_of_a_copy_changes_no_status(desk: Desk, result: Result) -> None:
    report = desk.submit()
    (copy,) = claim(desk, "archive")
    assert desk.note(copy, result) is None
    assert desk.find(report.id).status is ReportState.RECEIVED
    after = desk.try_next(ACCEPTED)
    assert after
    assert after.status is ReportState.DELIVERED


def test_a_copy_that_fails_does_not_suspend_the_first(desk: Desk) -> None:
    for number in range(FAILURES_TO_OPEN):
        desk.submit(number)
    for copy in claim(desk, "archive"):
        desk.note(copy, FAILED)
    assert webhook_state.suspension(desk.connection, "archive")
    assert len(claim(desk, "report")) == FAILURES_TO_OPEN
    assert desk.submit(77).status is ReportState.RECEIVED


def test_a_withdrawal_is_sent_to_the_webhooks_that_may_have_the_report(desk: Desk) -> None:
    desk.terms = TERMS._replace(copies=(("archive", True), ("mute", False)))
    report = desk.submit()
    for webhook in ("archive", "mute"):
        desk.note(claim(desk, webhook)[0], ACCEPTED)
    desk.withdraw(report.id)
    assert [len(claim(desk, webhook)) for webhook in ("report", "archive", "mute")] == [0, 1, 0]


def test_addition_is_sent_only_to_webhooks_with_evidence(desk: Desk) -> None:
    desk.terms = TERMS._replace(evidence=False, copies=(("archive", True),))
    desk.submit()
    for webhook in ("report", "archive"):
        desk.note(claim(desk, webhook)[0], ACCEPTED)
    added = desk.submit(add=True)
    assert [len(claim(desk, webhook)) for webhook in ("report", "archive")] == [0, 1]
    assert added.status is ReportState.DELIVERED


@ON_SQLITE
def test_addition_that_no_webhook_would_get_is_refused(desk: Desk) -> None:
    desk.terms = TERMS._replace(evidence=False)
    desk.submit()
    with pytest.raises(Refusal, match="this site accepts no additions"):
        desk.submit(add=True)
    desk.fail_until_given_up()
    desk.submit(add=True)
    assert desk.next_due() is not None


def test_reopening_a_withdrawn_report_sends_nothing_to_a_site_that_was_not_notified_of_the_withdrawal(
    desk: Desk,
) -> None:
    desk.terms = TERMS._replace(evidence=False)
    report = desk.submit()
    desk.note(claim(desk, "report")[0], ACCEPTED)
    desk.withdraw(report.id)
    assert desk.submit(add=True).status is ReportState.DELIVERED
    assert claim(desk, "report") == []


def test_a_copy_in_flight_does_not_delay_an_addition_to_the_first(desk: Desk) -> None:
    desk.submit()
    desk.note(claim(desk, "report")[0], ACCEPTED)
    assert claim(desk, "archive")
    desk.submit(add=True)
    assert len(claim(desk, "report")) == 1
    assert not claim(desk, "archive")


def test_the_site_may_answer_by_the_id_of_any_delivery(desk: Desk) -> None:
    report = desk.submit()
    (copy,) = claim(desk, "archive")
    assert desk.site_says(copy.id, ReportState.SEEN)
    assert desk.find(report.id).status is ReportState.SEEN


def test_a_report_follows_the_webhook_that_was_first_when_it_was_submitted(desk: Desk) -> None:
    report = desk.submit()
    desk.terms = TERMS._replace(webhook="archive", copies=(("report", False),))
    desk.submit(reporter=ALICE, add=True)
    desk.note(claim(desk, "archive")[0], ACCEPTED)
    assert desk.find(report.id).status is ReportState.RECEIVED
    for first in claim(desk, "report"):
        desk.note(first, ACCEPTED)
    assert desk.find(report.id).status is ReportState.DELIVERED
