"""Measures how long this server holds the lock of the room, while all other servers wait."""

import time

WINDOW_SECONDS = 120.0


class LockUse:
    """Counts how often the room was locked, and for how long."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self._longest = self._longest_before = 0.0
        self._window_ends = 0.0

    def add(self, seconds: float) -> None:
        """Record for how long the room was locked."""
        self.count += 1
        self.seconds += seconds
        self._turn_over()
        self._longest = max(self._longest, seconds)

    @property
    def longest(self) -> float:
        """The longest time within a recent period, which is one to two times WINDOW_SECONDS long."""
        self._turn_over()
        return max(self._longest, self._longest_before)

    def _turn_over(self) -> None:
        now = time.monotonic()
        if now >= self._window_ends:
            recent = now < self._window_ends + WINDOW_SECONDS
            self._longest_before, self._longest = (self._longest if recent else 0.0), 0.0
            self._window_ends = now + WINDOW_SECONDS
