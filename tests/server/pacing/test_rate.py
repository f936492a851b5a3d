"""The rate limit, with a clock that the test moves."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.pacing.rate import Meter, Rate, Spent, spend

bursts = st.integers(1, 12)
intervals = st.sampled_from([0.25, 0.5, 1.0, 20.0])
"""Exact in binary, so that sums are exact."""
steps = st.lists(st.integers(0, 40).map(lambda quarters: quarters / 4), min_size=1, max_size=60)
"""Seconds between consecutive calls."""


def test_a_burst_is_allowed_then_one_per_interval() -> None:
    meter = Meter(Rate(3, 0.5))
    assert [meter.spend("a", 10.0).allowed for _ in range(5)] == [True, True, True, False, False]
    assert meter.spend("a", 10.25) == Spent(allowed=False, wait=0.25)
    assert [meter.spend("a", 10.5).allowed for _ in range(2)] == [True, False]
    assert meter.spend("a", 11.0) == Spent(allowed=True, wait=0.0)


def test_cost_is_charged_by_spend_but_not_by_preview() -> None:
    meter = Meter(Rate(10, 1.0))
    assert all(meter.preview("a", 0.0, 10) == Spent(allowed=True, wait=0.0) for _ in range(3))
    assert meter.spend("a", 0.0, 7).allowed
    assert meter.preview("a", 0.0, 5) == meter.spend("a", 0.0, 5) == Spent(allowed=False, wait=2.0)
    assert meter.spend("a", 0.0, 3).allowed


@given(
    count=st.integers(1, 200),
    seconds=st.sampled_from([1.0, 60.0, 600.0]),
    now=st.floats(0, 1e8),
    patience=st.sampled_from([0, 2]),
)
def test_a_whole_burst_is_allowed_at_any_time(count: int, seconds: float, now: float, patience: int) -> None:
    rate = Rate.of(count, seconds)
    meter = Meter(rate, patience * rate.interval)
    assert all(meter.spend("a", now).allowed for _ in range(count + patience))
    assert not meter.spend("a", now).allowed


def test_keys_are_independent() -> None:
    meter = Meter(Rate(1, 1.0))
    assert [meter.spend(key, 0.0).allowed for key in ("a", "b", "a", "b")] == [True, True, False, False]


def test_patience_delays_before_it_refuses() -> None:
    meter = Meter(Rate(2, 0.5), patience=1.0)
    assert [meter.spend("a", 0.0) for _ in range(5)] == [
        Spent(allowed=True, wait=0.0),
        Spent(allowed=True, wait=0.0),
        Spent(allowed=True, wait=0.5),
        Spent(allowed=True, wait=1.0),
        Spent(allowed=False, wait=0.5),
    ]


@pytest.mark.parametrize("count", [1, 7, 60])
def test_rate_of_defaults_to_a_burst_of_the_count(count: int) -> None:
    assert Rate.of(count, 60) == Rate(count, 60 / count)
    assert Rate.of(count, 1, burst=9) == Rate(9, 1 / count)


@pytest.mark.parametrize("count", [5e-324, 1e-300, 1e300, 2**63 - 1])
def test_any_count_above_zero_refuses_eventually(count: float) -> None:
    meter = Meter(Rate.of(count, 1, burst=2))
    assert meter.spend("ada", 0.0).allowed
    assert meter.spend("ada", 0.0).allowed
    assert meter.spend("ada", 0.0).allowed == (count > 1)


def test_a_count_of_zero_means_no_limit_and_stores_no_keys() -> None:
    meter = Meter(Rate.of(0, 60, burst=5))
    assert all(meter.spend(number % 3, 0.0) == Spent(allowed=True, wait=0.0) for number in range(1000))
    meter.spend("somebody", 0.0)
    assert len(meter) == 1


def test_a_cost_above_the_burst_is_allowed_when_the_budget_is_full() -> None:
    after, wait = spend(Rate(10, 1.0), 0.0, 100.0, cost=25)
    assert (after, wait) == (125.0, 0.0)
    assert spend(Rate(10, 1.0), after, 100.0, cost=1) == (126.0, 16.0)


@given(bursts, intervals, steps)
def test_no_period_exceeds_the_burst_plus_the_rate(burst: int, interval: float, steps: list[float]) -> None:
    meter = Meter(Rate(burst, interval))
    done = [now for now in accumulate(steps) if meter.spend("a", now).allowed]
    for first, start in enumerate(done):
        for last, end in enumerate(done[first:], first):
            assert last - first + 1 <= burst + (end - start) / interval


@given(bursts, intervals, steps)
def test_waiting_as_long_as_stated_is_sufficient_and_necessary(burst: int, interval: float, steps: list[float]) -> None:
    meter = Meter(Rate(burst, interval))
    for now in accumulate(steps):
        refused = meter.spend("a", now)
        if not refused.allowed:
            assert not meter.spend("a", now + refused.wait - 0.125).allowed or refused.wait < 0.125
            break
    else:
        return
    assert meter.spend("a", now + refused.wait).allowed


@given(bursts, intervals, st.lists(st.integers(0, 40), max_size=60))
def test_spending_at_the_steady_rate_is_never_refused(burst: int, interval: float, late: list[int]) -> None:
    meter = Meter(Rate(burst, interval))
    for now in accumulate(interval + quarters / 4 for quarters in late):
        assert meter.spend("a", now) == Spent(allowed=True, wait=0.0)


@given(bursts, intervals, st.sampled_from([0.5, 2.0, 10.0]), steps)
def test_delayed_spending_keeps_its_order_and_the_rate(
    burst: int, interval: float, patience: float, steps: list[float]
) -> None:
    meter = Meter(Rate(burst, interval), patience)
    spent = [(now, meter.spend("a", now)) for now in accumulate(steps)]
    done = [now + each.wait for now, each in spent if each.allowed]
    assert done == sorted(done)
    assert all(each.wait <= patience for _, each in spent if each.allowed)
    for first, start in enumerate(done):
        for last, end in enumerate(done[first:], first):
            assert last - first + 1 <= burst + (end - start) / interval


@given(bursts, intervals, st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), min_size=1, max_size=60))
def test_only_keys_with_a_full_budget_are_dropped(burst: int, interval: float, acts: list[tuple[int, int]]) -> None:
    shared, own = Meter(Rate(burst, interval)), {key: Meter(Rate(burst, interval)) for key in range(6)}
    now = 0.0
    for key, quarters in acts:
        now += quarters / 4
        assert shared.spend(key, now) == own[key].spend(key, now)
    shared.spend("last", now + burst * interval)
    assert len(shared) == 1
