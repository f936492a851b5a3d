"""Measures the delay of the event loop: while it is blocked, nothing else in the server runs."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

BEAT_SECONDS = 0.1
REMEMBERED_BEATS = 50
"""Number of beats that `worst` covers: five seconds."""


class LoopWatchdog:
    """Wakes at a fixed interval, and reports each time how many seconds late it is."""

    def __init__(self, on_wake: Callable[[float], None], period: float = BEAT_SECONDS) -> None:
        self._on_wake = on_wake
        self._period = period
        self._latest: deque[float] = deque([0.0], maxlen=REMEMBERED_BEATS)
        self._beat_at = time.monotonic()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            # uvloop updates the loop's own time only once per turn, and in milliseconds.
            due = time.monotonic() + self._period
            await asyncio.sleep(self._period)
            self._beat_at = time.monotonic()
            late = max(0.0, self._beat_at - due)
            self._latest.append(late)
            self._on_wake(late)

    @property
    def worst(self) -> float:
        """Maximum delay in seconds among recent beats."""
        return max(self._latest)

    @property
    def silent(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._beat_at
