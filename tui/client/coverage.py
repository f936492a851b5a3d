"""The loaded part of a channel's history: ranges of message numbers in which nothing is missing."""

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from msgspec import Struct, field

BEGINNING, END = -inf, inf
"""Below and above the number of every message."""


class Hole(NamedTuple):
    """Numbers that are not loaded: those between two that are, or everything before the first or after the last."""

    low: float
    high: float


class Coverage(Struct):
    """Ranges in ascending order, both ends included, that neither overlap nor touch."""

    _ranges: list[tuple[float, float]] = field(default_factory=list)

    def add(self, low: float, high: float) -> None:
        """Add a range, joined with those that it touches; an empty one is ignored."""
        if low > high:
            return
        below = [each for each in self._ranges if each[1] + 1 < low]
        above = [each for each in self._ranges if high + 1 < each[0]]
        joined = self._ranges[len(below) : len(self._ranges) - len(above)]
        if joined:
            low, high = min(low, joined[0][0]), max(high, joined[-1][1])
        self._ranges = [*below, (low, high), *above]

    def holds(self, number: float) -> bool:
        return any(low <= number <= high for low, high in self._ranges)

    def spans(self, low: float, high: float) -> bool:
        """Return whether everything between two numbers is loaded, both included."""
        return any(start <= low and high <= end for start, end in self._ranges)

    def holes(self) -> Iterator[Hole]:
        """Yield what is not loaded, in order."""
        low = BEGINNING
        for start, end in self._ranges:
            if start > BEGINNING:
                yield Hole(low, start)
            low = end
        if low < END:
            yield Hole(low, END)

    def excess(self, most: int) -> float | None:
        """Return the first number of the last `most` ranges; None if there are no other ranges."""
        return self._ranges[-most][0] if len(self._ranges) > most else None

    def cut_above(self, number: float) -> None:
        """Remove everything above a number."""
        self._ranges = [(low, min(high, number)) for low, high in self._ranges if low <= number]

    def cut_below(self, number: float) -> None:
        """Remove everything below a number."""
        self._ranges = [(max(low, number), high) for low, high in self._ranges if high >= number]

    def clear(self) -> None:
        self._ranges = []

    def __bool__(self) -> bool:
        return bool(self._ranges)
