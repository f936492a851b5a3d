"""Measurement of how the cost of some work grows with the size of its input, without asserting a time."""

import gc
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, pairwise
from time import thread_time
from types import FrameType
from typing import Generic, TypeVar

Input = TypeVar("Input")

BOUND_SECONDS = 20.0
"""Maximum CPU time of one measurement; work that takes longer has grown without bound."""
NOISE_SECONDS = 0.008
"""Shorter runs say more about the machine than about the work."""
FACTOR = 8
"""How much larger each size is than the one before: linear work costs 8 times as much, quadratic work 64 times."""
ALLOWED_RATIO = FACTOR**1.5
"""Halfway between the two: a busy machine would have to slow down each large run to a third, and no small one."""
SMALL_RUNS = 3
"""The very first run also pays for what later runs find prepared."""
ROUNDS_IN_DOUBT = 20
"""Where the first runs show too high a cost, more are made of both sizes in turns: the machine may have been busy."""


def assert_linear(make: Callable[[int], Input], work: Callable[[Input], object], largest: int) -> None:
    """Run `work` on inputs of up to `largest` units; AssertionError if its cost grows far faster than they do.

    `make` builds an input of a size, at no cost here. No input is made twice, so that no cache can know it. Small sizes
    come first, so that exponential growth fails within seconds instead of hanging the test.
    """
    with _bounded():
        for small, large in pairwise(_Cost(make, work, largest // FACTOR**step) for step in (2, 1, 0)):
            small.measure()
            large.measure()
            if large.seconds < NOISE_SECONDS:
                continue
            small.measure(SMALL_RUNS)
            for _ in range(ROUNDS_IN_DOUBT):
                if large.seconds < ALLOWED_RATIO * small.seconds:
                    break
                small.measure()
                large.measure()
            else:
                raise AssertionError(f"{large}, {small}")


class _Cost(Generic[Input]):
    """The CPU seconds of this thread for an input of some size: the minimum of all runs, since noise only adds."""

    def __init__(self, make: Callable[[int], Input], work: Callable[[Input], object], size: int) -> None:
        self._make, self._work, self._size = make, work, max(1, size)
        self._more = count()
        self.seconds = float("inf")

    def measure(self, runs: int = 1) -> None:
        """Run the work, each time on an input that is longer by one."""
        for _ in range(runs):
            self.seconds = min(self.seconds, _seconds(self._work, self._make(self._size + next(self._more))))

    def __str__(self) -> str:
        return f"{self._size} units cost {self.seconds * 1000:.1f} ms"


def _seconds(work: Callable[[Input], object], made: Input) -> float:
    # The collector scans all objects whenever enough new ones exist, and coverage traces each line: neither is a cost
    # of the work.
    collecting, tracer = gc.isenabled(), sys.gettrace()
    gc.disable()
    sys.settrace(None)
    try:
        start = thread_time()
        work(made)
        return thread_time() - start
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
