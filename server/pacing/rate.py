"""Rate limiting by the generic cell rate algorithm (GCRA), which stores one timestamp for each key."""

from collections import OrderedDict
from collections.abc import Hashable
from math import inf
from typing import NamedTuple

ROUNDING_SECONDS = 1e-4
"""Tolerance for rounding errors of float sums."""

LONGEST_SECONDS = 1e9
"""Longest interval. With an infinite one, nothing could be compared, and nothing would be refused."""


class Rate(NamedTuple):
    """Allows `burst` at once, and one more every `interval` seconds; an interval of 0 means no limit."""

    burst: float
    interval: float

    @classmethod
    def of(cls, count: float, seconds: float, burst: float | None = None) -> "Rate":
        """Return a rate of `count` in `seconds`; `burst` defaults to `count`. A count of 0 means no limit."""
        return cls(count if burst is None else burst, min(seconds / count, LONGEST_SECONDS) if count else 0.0)


def spend(rate: Rate, paid: float, now: float, cost: float = 1) -> tuple[float, float]:
    """Return the new `paid` after spending `cost`, and how many seconds too early that is.

    `paid` is the theoretical arrival time of GCRA (ITU-T I.371, ATM Forum's virtual scheduling): the time when all
    past spending would be done at the steady rate, without bursts. All times are seconds of one monotonic clock.
    """
    after = max(paid, now) + cost * rate.interval
    early = after - now - max(rate.burst, cost) * rate.interval
    return after, early if early > ROUNDING_SECONDS else 0.0


class Spent(NamedTuple):
    """The result of spending; `wait` is the delay in seconds if it is allowed, or until a retry if it is refused."""

    allowed: bool
    wait: float


class Meter:
    """Limits the rate for each key. Spending up to `patience` seconds too early is allowed with a delay."""

    def __init__(self, rate: Rate, patience: float = 0.0) -> None:
        self.rate = rate
        """May be changed at any time; earlier counts are kept."""
        self._patience = patience
        self._paid: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of keys in memory."""
        return len(self._paid)

    def spend(self, key: Hashable, now: float, cost: float = 1) -> Spent:
        """Charge this cost to a key, unless it is refused."""
        self._drop_full(now)
        spent = self.preview(key, now, cost)
        if spent.allowed:
            self._paid[key], _ = spend(self.rate, self._paid.get(key, -inf), now, cost)
            self._paid.move_to_end(key)
        return spent

    def preview(self, key: Hashable, now: float, cost: float = 1) -> Spent:
        """Return what `spend` would return, without charging."""
        _, wait = spend(self.rate, self._paid.get(key, -inf), now, cost)
        if wait > self._patience + ROUNDING_SECONDS:
            return Spent(allowed=False, wait=wait - self._patience)
        return Spent(allowed=True, wait=wait)

    def _drop_full(self, now: float) -> None:
        """Drop keys whose budget is full again, oldest first: they are equivalent to keys that were never seen."""
        while self._paid:
            key, paid = next(iter(self._paid.items()))
            if paid > now:
                return
            del self._paid[key]
