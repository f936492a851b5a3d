"""Measurement of how the cost of some work grows with the size of its input, without asserting a time."""

import gc
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

BOUND_SECONDS = 20
"""Maximum CPU time of one measurement; work that takes longer has grown without bound."""
NOISE_SECONDS = 0.004
"""Shorter runs say more about the machine than about the work."""
RUNS = 2
RUNS_IN_DOUBT = 5
"""Where the first runs show too high a cost, more are made: the machine may have been busy."""
LINEAR_RATIO = 3.0
"""Allowed cost ratio for twice the input: 2 is linear, 4 is quadratic, and values in between are noise."""


def assert_linear(work: Callable[[int], object], largest: int, smallest: int = 16) -> None:
    """Run `work(n)` for n, 2n, 4n, ... up to `largest`; AssertionError if twice the input costs far more than twice.

    `work` builds its input from n and handles it. Sizes whose runs are too short to compare are skipped, and small
    sizes come first, so that exponential growth fails within seconds instead of hanging the test.
    """
    size = smallest
    with _bounded():
        before = _seconds(work, size)
        while size * 2 <= largest:
            size *= 2
            now = _seconds(work, size)
            if before > NOISE_SECONDS:
                assert now < LINEAR_RATIO * before or _ratio(work, size) < LINEAR_RATIO, (
                    f"{size} units cost {now * 1000:.1f} ms, half as many {before * 1000:.1f} ms"
                )
            before = now


def _ratio(work: Callable[[int], object], size: int) -> float:
    return _seconds(work, size, RUNS_IN_DOUBT) / _seconds(work, size // 2, RUNS_IN_DOUBT)


def _seconds(work: Callable[[int], object], size: int, runs: int = RUNS) -> float:
    """Return the CPU seconds of this process for one call: the minimum of several, since noise only adds."""
    return min(_once(work, size) for _ in range(runs))


def _once(work: Callable[[int], object], size: int) -> float:
    # The collector scans all objects whenever enough new ones exist, and coverage traces each line: neither is a cost
    # of the work.
    collecting, tracer = gc.isenabled(), sys.gettrace()
    gc.disable()
    sys.settrace(None)
    try:
        start = time.process_time()
        work(size)
        return time.process_time() - start
    finally:
        sys.settrace(tracer)
        if collecting:
            gc.enable()


@contextmanager
def _bounded() -> Iterator[None]:
    """Fail instead of hanging, even inside a regular expression, which checks for signals now and then."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"not done within {BOUND_SECONDS} s: the cost has no bound that a test could wait for")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, BOUND_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
