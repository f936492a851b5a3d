"""A breaker in memory: a site that fails again and again is left alone for a while, but for one probe."""

import time
from collections.abc import Callable

from server.rules.retries import FAILURES_TO_OPEN, open_seconds


class Breaker:
    """Each request that it lets through has to be noted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that never go back."""
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether no request is let through now."""
        return self._failures >= FAILURES_TO_OPEN and (self._probing or self._clock() < self._open_until)

    def lets_through(self) -> bool:
        """Whether a request may be made; of those after a while of rest the first alone, until it is noted."""
        if self.is_open:
            return False
        self._probing = self._failures >= FAILURES_TO_OPEN
        return True

    def note(self, *, failed: bool) -> None:
        """What a request came to."""
        if not failed:
            self._failures = 0
        elif not self.is_open or self._probing:
            # Those that were under way when it opened, and failed then, say nothing new.
            self._failures += 1
            self._open_until = self._clock() + open_seconds(self._failures)
        self._probing = False
