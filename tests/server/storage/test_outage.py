"""After an outage, the site receives all waiting reports at once, whatever the schedule says."""

import pytest

from server.protocol.codes import ReportState
from server.rules.retries import FAILURES_TO_OPEN, SCHEDULE_SECONDS, Result
from server.storage import webhook_state
from server.storage.leases import Claim
from tests.support.empty_room import ON_SQLITE
from tests.support.stored_reports import ACCEPTED, FAILED, Desk

PROMISED_SECONDS = 5 * 60
POLL_SECONDS = 1.0
TIMEOUT_SECONDS = 10.0


def attempt(desk: Desk, result: Result, chance: float = 0.0) -> list[Claim]:
    """Make the next attempts as the server does: when they can be claimed, or a poll later."""
    due = desk.next_due()
    assert due is not None
    desk.pass_time(max(due, 0.0) + POLL_SECONDS)
    claims = desk.claim(room=8)
    desk.pass_time(0.0 if result.accepted else TIMEOUT_SECONDS)
    for claim in claims:
        desk.note(claim, result, chance)
    return claims


def seconds_until_accepted(desk: Desk) -> float:
    """Return how long a healthy site waits for the first delivery; all others must follow. Leaves the desk as it is."""
    desk.connection.execute("SAVEPOINT healthy")
    before, waited = desk.now, None
    while desk.next_due() is not None:
        if attempt(desk, ACCEPTED) and waited is None:
            waited = (desk.now - before) / 1000
    assert desk.values("SELECT count(*) FROM delivery WHERE state = 'waiting'") == [0]
    assert (desk.now - before) / 1000 < PROMISED_SECONDS + 10 * POLL_SECONDS
    desk.connection.execute("ROLLBACK TO healthy")
    desk.connection.execute("RELEASE healthy")
    desk.now = before
    assert waited is not None
    return waited


@ON_SQLITE
@pytest.mark.parametrize("chance", [0.0, 1.0])
@pytest.mark.parametrize("reports", [1, 7])
def test_a_healthy_site_receives_the_first_delivery_within_5_minutes_at_every_point_of_the_schedule(
    desk: Desk, reports: int, chance: float
) -> None:
    for number in range(reports):
        desk.submit(number)
    attempts = 0
    while True:
        claims = attempt(desk, FAILED, chance)
        if "given-up" in desk.values("SELECT state FROM delivery"):
            break
        attempts += bool(claims)
        # The schedule has ten steps; probes between two long ones are all alike.
        if any(claim.scheduled is None for claim in claims) or attempts < 100 or attempts % 50 == 0:
            # The attempt that just failed began when the site was still down.
            assert seconds_until_accepted(desk) + TIMEOUT_SECONDS <= PROMISED_SECONDS
    assert attempts > len(SCHEDULE_SECONDS)


@ON_SQLITE
def test_probes_do_not_use_up_the_schedule(desk: Desk) -> None:
    desk.submit()
    began, scheduled = desk.at, 0
    while desk.values("SELECT state FROM delivery") == ["waiting"]:
        scheduled += sum(claim.scheduled is None for claim in attempt(desk, FAILED))
    assert scheduled == len(SCHEDULE_SECONDS) + 1
    assert (desk.at - began).total_seconds() >= sum(SCHEDULE_SECONDS)


def deep_in_an_outage(desk: Desk, *numbers: int) -> None:
    """Let these reports fail until the next attempt of each is hours away."""
    for number in numbers:
        desk.submit(number)
    for _ in range(200):
        attempt(desk, FAILED)
    (soonest,) = desk.values("SELECT min(due) FROM delivery")
    assert isinstance(soonest, int)
    assert soonest - desk.now > 3600 * 1000


def test_a_delivery_that_the_site_never_accepts_does_not_block_the_others(desk: Desk) -> None:
    deep_in_an_outage(desk, 1, 2)
    before, accepted = desk.at, set[str]()
    while not accepted and (due := desk.next_due()) is not None:
        desk.pass_time(max(0.0, due))
        for claim in desk.claim():
            good = claim.seq == 2
            accepted |= {claim.id} if good else set()
            desk.note(claim, ACCEPTED if good else FAILED)
    assert (desk.at - before).total_seconds() <= 2 * PROMISED_SECONDS


def test_reports_that_an_overloaded_site_refused_at_its_recovery_are_retried_soon(desk: Desk) -> None:
    deep_in_an_outage(desk, *range(20))
    (recovery,) = attempt(desk, ACCEPTED)
    assert recovery.scheduled
    began = desk.at
    while desk.next_due() is not None:
        desk.pass_time(max(0.0, desk.next_due() or 0.0))
        for number, claim in enumerate(desk.claim(room=8)):
            desk.note(claim, FAILED if number > 1 else ACCEPTED)
        desk.pass_time(0.1)
    assert (desk.at - began).total_seconds() < 3600


def test_a_delay_that_the_site_requested_is_kept_by_probes(desk: Desk) -> None:
    desk.submit()
    for _ in range(FAILURES_TO_OPEN):
        attempt(desk, Result(503, "No.", "status 503", "7200"))
    assert (desk.next_due() or 0) > 7200 - TIMEOUT_SECONDS - POLL_SECONDS
    report = desk.sent_by("a-1")[0]
    assert report.next_at
    assert report.next_at - desk.now > 7000 * 1000


@ON_SQLITE
@pytest.mark.parametrize("paused", ["", "by an administrator", webhook_state.GONE])
@pytest.mark.parametrize("change", ["resume", "retarget", "end_rest"])
def test_a_change_by_the_administrator_probes_at_once(desk: Desk, change: str, paused: str) -> None:
    deep_in_an_outage(desk, 1, 2)
    webhook_state.pause(desk.connection, "report", paused)
    if change == "end_rest":
        webhook_state.end_rest(desk.connection, "report")
    else:
        (webhook_state.resume if change == "resume" else webhook_state.retarget)(desk.connection, "report")
    lifted = {"resume": True, "retarget": paused != "by an administrator", "end_rest": not paused}[change]
    assert desk.next_due() == (None if not lifted else -desk.now / 1000)
    assert len(desk.claim()) == (0 if not lifted else 1 if change == "end_rest" else 2)


LATE_FAILURES = {
    "no answer": FAILED,
    "a request to wait": Result(503, "No.", "status 503", "7200"),
    "a 410": Result(410, "Gone.", "status 410"),
    "a report that cannot be read": FAILED._replace(ours=True),
}


@ON_SQLITE
@pytest.mark.parametrize("late", LATE_FAILURES)
@pytest.mark.parametrize("claimed", ["before the change", "after the change"])
def test_a_failure_under_earlier_settings_delays_nothing(desk: Desk, claimed: str, late: str) -> None:
    desk.submit()
    for _ in range(FAILURES_TO_OPEN):
        attempt(desk, FAILED)
    desk.pass_time(PROMISED_SECONDS)
    if claimed == "after the change":
        webhook_state.retarget(desk.connection, "report")
    (claim,) = desk.claim()
    if claimed == "before the change":
        webhook_state.retarget(desk.connection, "report")
    desk.pass_time(POLL_SECONDS)
    desk.note(claim, LATE_FAILURES[late]._replace(outdated=True))
    assert webhook_state.read(desk.connection, "report").failures == 0
    assert desk.claim()


@ON_SQLITE
def test_a_success_under_earlier_settings_counts(desk: Desk) -> None:
    desk.submit()
    (claim,) = desk.claim()
    webhook_state.retarget(desk.connection, "report")
    desk.note(claim, ACCEPTED._replace(outdated=True))
    assert desk.values("SELECT state FROM delivery") == ["delivered"]


def test_a_row_that_cannot_be_sent_does_not_count_as_a_probe(desk: Desk) -> None:
    """Otherwise it would be claimed every second."""
    deep_in_an_outage(desk, 1, 2)
    attempt(desk, FAILED._replace(ours=True))
    (other,) = attempt(desk, ACCEPTED)
    assert desk.find(other.report_id).status is ReportState.DELIVERED
    assert (desk.next_due() or 0) > 3600


def test_the_reporter_sees_the_next_probe(desk: Desk) -> None:
    deep_in_an_outage(desk, 1)
    (report,) = desk.sent_by("a-1")
    assert report.next_at
    assert 0 < report.next_at - desk.now <= PROMISED_SECONDS * 1000
