"""The measurement of growth fails for quadratic work, and never for linear work, however busy the machine is."""

from collections.abc import Callable

import pytest

from tests.support import growth
from tests.support.growth import assert_linear

LARGEST = 1 << 14


class Clock:
    """Passes only by the work that is done, a microsecond for each unit."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self._now = 0.0
        monkeypatch.setattr(growth, "thread_time", lambda: self._now)

    def work(self, units: Callable[[int], float], slow_runs: int = 0) -> Callable[[int], None]:
        """Return work that costs `units(size)`, and 10 times as much in the first runs of the largest size."""

        def run(size: int) -> None:
            self.sizes.append(size)
            slow = LARGEST <= size < LARGEST + slow_runs
            self._now += units(size) * (10 if slow else 1) / 1_000_000

        return run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize("units", [lambda size: size, lambda size: size * size.bit_length(), lambda size: size**1.2])
def test_linear_work_passes_on_a_busy_machine(units: Callable[[int], float], clock: Clock) -> None:
    assert_linear(int, clock.work(units, slow_runs=15), LARGEST)


@pytest.mark.parametrize("units", [lambda size: size**2, lambda size: size**2 + 2000 * size, lambda size: size**3])
def test_quadratic_work_fails(units: Callable[[int], float], clock: Clock) -> None:
    with pytest.raises(AssertionError, match=r"^\d+ units cost \d+\.\d ms, \d+ units cost \d+\.\d ms$"):
        assert_linear(int, clock.work(units), LARGEST)


def test_no_input_is_measured_twice(clock: Clock) -> None:
    assert_linear(int, clock.work(lambda size: size, slow_runs=15), LARGEST)
    assert len(clock.sizes) == len(set(clock.sizes))


def test_quadratic_work_fails_with_the_real_clock() -> None:
    with pytest.raises(AssertionError, match="units cost"):
        assert_linear(range, lambda units: sum(1 for _ in units for _ in units), 1024)


def test_work_that_never_ends_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "BOUND_SECONDS", 0.1)
    with pytest.raises(AssertionError, match="the cost has no bound"):
        assert_linear(range, lambda units: sum(1 for _ in iter(units.__len__, 0)), 1024)
