"""An in-memory circuit breaker: after repeated failures it blocks requests, and later lets one probe through."""

import time
from collections.abc import Callable

from server.rules.retries import FAILURES_TO_OPEN, rest_seconds


class Breaker:
    """A circuit breaker. Call `allows` before each request, and `record` after each request that it allowed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Create a closed breaker; `clock` returns monotonic seconds."""
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Return whether requests are blocked now."""
        return self._failures >= FAILURES_TO_OPEN and (self._probing or self._clock() < self._open_until)

    def allows(self) -> bool:
        """Return whether a request may be made. After the open time, one probe at a time is allowed."""
        if self.is_open:
            return False
        self._probing = self._failures >= FAILURES_TO_OPEN
        return True

    def record(self, *, failed: bool | None) -> None:
        """Record the result of a request; None if it was cancelled, which says nothing about the site."""
        if failed is False:
            self._failures = 0
        elif failed and (not self.is_open or self._probing):
            # Failures of requests that were in flight when the breaker opened do not count again.
            self._failures += 1
            self._open_until = self._clock() + rest_seconds(self._failures)
        self._probing = False
