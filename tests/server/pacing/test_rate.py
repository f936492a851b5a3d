"""How often something may be done, as a rule over a clock that the test moves."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.pacing.rate import Meter, Rate, Spent, spend

bursts = st.integers(1, 12)
intervals = st.sampled_from([0.25, 0.5, 1.0, 20.0])
"""Exact in binary, so that a sum of them is what it says."""
steps = st.lists(st.integers(0, 40).map(lambda quarters: quarters / 4), min_size=1, max_size=60)
"""Seconds from each act to the next."""


def test_a_burst_passes_and_then_one_each_interval() -> None:
    meter = Meter(Rate(3, 0.5))
    assert [meter.spend("a", 10.0).allowed for _ in range(5)] == [True, True, True, False, False]
    assert meter.spend("a", 10.25) == Spent(allowed=False, wait=0.25)
    assert [meter.spend("a", 10.5).allowed for _ in range(2)] == [True, False]
    assert meter.spend("a", 11.0) == Spent(allowed=True, wait=0.0)


def test_what_costs_more_takes_more_of_the_burst_and_to_ask_takes_nothing() -> None:
    meter = Meter(Rate(10, 1.0))
    assert all(meter.ask("a", 0.0, 10) == Spent(allowed=True, wait=0.0) for _ in range(3))
    assert meter.spend("a", 0.0, 7).allowed
    assert meter.ask("a", 0.0, 5) == meter.spend("a", 0.0, 5) == Spent(allowed=False, wait=2.0)
    assert meter.spend("a", 0.0, 3).allowed


@given(
    count=st.integers(1, 200),
    seconds=st.sampled_from([1.0, 60.0, 600.0]),
    now=st.floats(0, 1e8),
    patience=st.sampled_from([0, 2]),
)
def test_a_whole_burst_passes_whenever_it_comes(count: int, seconds: float, now: float, patience: int) -> None:
    rate = Rate.of(count, seconds)
    meter = Meter(rate, patience * rate.interval)
    assert all(meter.spend("a", now).allowed for _ in range(count + patience))
    assert not meter.spend("a", now).allowed


def test_one_key_costs_another_nothing() -> None:
    meter = Meter(Rate(1, 1.0))
    assert [meter.spend(key, 0.0).allowed for key in ("a", "b", "a", "b")] == [True, True, False, False]


def test_with_patience_the_next_ones_wait_their_turn_and_only_then_it_refuses() -> None:
    meter = Meter(Rate(2, 0.5), patience=1.0)
    assert [meter.spend("a", 0.0) for _ in range(5)] == [
        Spent(allowed=True, wait=0.0),
        Spent(allowed=True, wait=0.0),
        Spent(allowed=True, wait=0.5),
        Spent(allowed=True, wait=1.0),
        Spent(allowed=False, wait=0.5),
    ]


@pytest.mark.parametrize("count", [1, 7, 60])
def test_a_count_in_a_time_is_a_burst_of_it_and_its_share_of_the_time(count: int) -> None:
    assert Rate.of(count, 60) == Rate(count, 60 / count)
    assert Rate.of(count, 1, burst=9) == Rate(9, 1 / count)


def test_a_count_of_nothing_is_no_limit_and_remembers_nobody() -> None:
    meter = Meter(Rate.of(0, 60, burst=5))
    assert all(meter.spend(number % 3, 0.0) == Spent(allowed=True, wait=0.0) for number in range(1000))
    meter.spend("somebody", 0.0)
    assert len(meter) == 1


def test_more_than_a_burst_at_once_may_be_spent_when_everything_before_is_paid() -> None:
    after, wait = spend(Rate(10, 1.0), 0.0, 100.0, cost=25)
    assert (after, wait) == (125.0, 0.0)
    assert spend(Rate(10, 1.0), after, 100.0, cost=1) == (126.0, 16.0)


@given(bursts, intervals, steps)
def test_in_no_stretch_of_time_is_more_allowed_than_the_burst_and_its_share(
    burst: int, interval: float, steps: list[float]
) -> None:
    meter = Meter(Rate(burst, interval))
    done = [now for now in accumulate(steps) if meter.spend("a", now).allowed]
    for first, start in enumerate(done):
        for last, end in enumerate(done[first:], first):
            assert last - first + 1 <= burst + (end - start) / interval


@given(bursts, intervals, steps)
def test_whoever_waits_as_long_as_told_is_allowed_and_not_before(
    burst: int, interval: float, steps: list[float]
) -> None:
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
def test_whoever_keeps_the_pace_is_never_refused(burst: int, interval: float, late: list[int]) -> None:
    meter = Meter(Rate(burst, interval))
    for now in accumulate(interval + quarters / 4 for quarters in late):
        assert meter.spend("a", now) == Spent(allowed=True, wait=0.0)


@given(bursts, intervals, st.sampled_from([0.5, 2.0, 10.0]), steps)
def test_what_waits_is_done_in_its_order_and_at_the_pace(
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
def test_a_key_that_is_forgotten_had_nothing_left_to_pay(
    burst: int, interval: float, acts: list[tuple[int, int]]
) -> None:
    shared, own = Meter(Rate(burst, interval)), {key: Meter(Rate(burst, interval)) for key in range(6)}
    now = 0.0
    for key, quarters in acts:
        now += quarters / 4
        assert shared.spend(key, now) == own[key].spend(key, now)
    shared.spend("last", now + burst * interval)
    assert len(shared) == 1
