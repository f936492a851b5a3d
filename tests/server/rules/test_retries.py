"""When a delivery is retried: the schedule, Retry-After, and the breaker."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.codes import ReportState
from server.rules.retries import (
    FAILURES_TO_OPEN,
    LONGEST_REST_SECONDS,
    LONGEST_SECONDS,
    SCHEDULE_SECONDS,
    DeliveryState,
    Result,
    consequence,
    report_status,
    rest_seconds,
    status_text,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
REFUSED = Result(None, "It cannot be reached.", "refused")


def test_the_retry_schedule_is_the_documented_one() -> None:
    waits = [consequence(attempt, REFUSED, NOW, 0).wait_seconds for attempt in range(1, 10)]
    assert waits == [5, 30, 120, 600, 1800, 7200, 21600, 43200, 86400]
    assert consequence(10, REFUSED, NOW, 0).state is DeliveryState.GIVEN_UP


@pytest.mark.parametrize("status", [None, 100, 201, 204, 301, 400, 401, 404, 429, 500, 503])
def test_any_status_but_200_is_retried(status: int | None) -> None:
    assert consequence(1, Result(status), NOW, 0).state is DeliveryState.WAITING
    assert not consequence(1, Result(status), NOW, 0).pause


@pytest.mark.parametrize("status", [200, 201, 202, 204, 208, 226, 299])
def test_any_2xx_means_delivered_for_a_signed_request(status: int) -> None:
    assert consequence(1, Result(status, signed=True), NOW, 0).state is DeliveryState.DELIVERED
    assert status_text(status, signed=True) == f"status {status}"


@pytest.mark.parametrize("status", [None, 101, 199, 300, 304, 400, 500])
def test_no_other_status_means_delivered_for_a_signed_request(status: int | None) -> None:
    assert consequence(1, Result(status, signed=True), NOW, 0).state is DeliveryState.WAITING


def test_a_failure_that_looks_like_success_is_explained() -> None:
    assert "204 is not 200" in status_text(204, signed=False)
    assert "redirects are not followed" in status_text(302, signed=True)
    assert status_text(200, signed=False) == "status 200"
    assert status_text(503, signed=False) == "status 503"


def test_200_means_delivered_at_any_attempt() -> None:
    assert all(consequence(attempt, Result(200), NOW, 0).state is DeliveryState.DELIVERED for attempt in (1, 10, 11))


def test_410_pauses_the_webhook_without_giving_up() -> None:
    for attempt in (1, 10, 11):
        follows = consequence(attempt, Result(410), NOW, 0)
        assert (follows.state, follows.pause) == (DeliveryState.WAITING, True)


def test_an_attempt_ahead_of_the_schedule_does_not_use_it_up() -> None:
    follows = consequence(10, REFUSED, NOW, 0, ahead=40.0)
    assert (follows.state, follows.wait_seconds, follows.counts) == (DeliveryState.WAITING, 40, False)
    follows = consequence(2, Result(429, retry_after="3600"), NOW, 0, ahead=40.0)
    assert (follows.wait_seconds, follows.asked, follows.counts) == (3600, True, False)
    assert consequence(10, Result(None, ours=True), NOW, 0, ahead=40.0).state is DeliveryState.GIVEN_UP


@given(st.integers(1, len(SCHEDULE_SECONDS)), st.floats(0, 1))
def test_jitter_adds_at_most_a_fifth(attempt: int, chance: float) -> None:
    base = SCHEDULE_SECONDS[attempt - 1]
    assert base <= consequence(attempt, REFUSED, NOW, chance).wait_seconds <= base * 1.2


def test_deliveries_that_failed_together_are_not_retried_together() -> None:
    assert [consequence(1, REFUSED, NOW, chance).wait_seconds for chance in (0, 0.5, 1)] == [5, 5.5, 6]


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("3600", 3600),
        (" 60 ", 60),
        ("Tue, 24 Nov 2026 12:10:00 GMT", 600),
        ("Tuesday, 24-Nov-26 12:10:00 GMT", 600),
        ("1", 5),
        ("0", 5),
        ("-30", 5),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 5),
        ("9" * 40, LONGEST_SECONDS),
        ("Tue, 24 Nov 9999 11:00:00 GMT", LONGEST_SECONDS),
        ("soon", 5),
        ("", 5),
        ("1e9", 5),
        ("٣٠", 5),
        ("24 Nov 99999999999999999999 12:00:00", 5),
    ],
)
def test_retry_after_is_followed_within_bounds(asked: str, seconds: float) -> None:
    follows = consequence(1, Result(429, retry_after=asked), NOW, 0)
    assert follows.wait_seconds == seconds
    assert follows.asked == (seconds > 5)


@given(st.text(), st.integers(1, 9), st.floats(0, 1))
def test_the_delay_is_bounded_for_any_retry_after(asked: str, attempt: int, chance: float) -> None:
    wait = consequence(attempt, Result(503, retry_after=asked), NOW, chance).wait_seconds
    assert SCHEDULE_SECONDS[attempt - 1] <= wait <= max(LONGEST_SECONDS, SCHEDULE_SECONDS[attempt - 1] * 1.2)


def test_the_breaker_opens_after_consecutive_failures_for_longer_each_time() -> None:
    waits = [rest_seconds(failures) for failures in range(FAILURES_TO_OPEN, 2000)]
    assert waits[:5] == [30, 60, 120, 240, 240]
    assert max(waits) == LONGEST_REST_SECONDS


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ([(DeliveryState.WAITING, 0)], ReportState.RECEIVED),
        ([(DeliveryState.WAITING, 1)], ReportState.WAITING),
        ([(DeliveryState.DELIVERED, 1)], ReportState.DELIVERED),
        ([(DeliveryState.GIVEN_UP, 10)], ReportState.GIVEN_UP),
        ([(DeliveryState.DELIVERED, 1), (DeliveryState.WAITING, 0)], ReportState.RECEIVED),
        ([(DeliveryState.DELIVERED, 1), (DeliveryState.GIVEN_UP, 10)], ReportState.GIVEN_UP),
        ([(DeliveryState.GIVEN_UP, 10), (DeliveryState.WAITING, 2)], ReportState.WAITING),
    ],
)
def test_the_status_of_a_report_follows_its_deliveries(
    deliveries: list[tuple[DeliveryState, int]], expected: ReportState
) -> None:
    assert report_status(deliveries) is expected
