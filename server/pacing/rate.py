"""How often something may be done: the generic cell rate algorithm, one timestamp for each key."""

from collections import OrderedDict
from collections.abc import Hashable
from math import inf
from typing import NamedTuple

ROUNDING_SECONDS = 1e-4
"""Earlier by less is not early: sums of floats differ by so much from what they stand for."""


class Rate(NamedTuple):
    """`burst` at once, and one more every `interval` seconds; an interval of 0 is no limit."""

    burst: float
    interval: float

    @classmethod
    def of(cls, count: float, seconds: float, burst: float | None = None) -> "Rate":
        """So many in so many seconds, as many at once unless `burst` says how many; a count of 0 is no limit."""
        return cls(count if burst is None else burst, seconds / count if count else 0.0)


def spend(rate: Rate, paid: float, now: float, cost: float = 1) -> tuple[float, float]:
    """What `cost` more makes of `paid`, and by how many seconds it comes too early.

    `paid` is the theoretical arrival time of GCRA (ITU-T I.371, ATM Forum's virtual scheduling): when everything so
    far would have been done at the pace of the interval alone. All are seconds of one clock that does not go back.
    """
    after = max(paid, now) + cost * rate.interval
    early = after - now - max(rate.burst, cost) * rate.interval
    return after, early if early > ROUNDING_SECONDS else 0.0


class Spent(NamedTuple):
    """Whether something is done, and after how many seconds; refused: when one may ask again."""

    allowed: bool
    wait: float


class Meter:
    """Counts what each key does; what comes up to `patience` seconds too early is allowed, but has to wait."""

    def __init__(self, rate: Rate, patience: float = 0.0) -> None:
        self.rate = rate
        """May be changed; what was counted counts on."""
        self._patience = patience
        self._paid: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._paid)

    def spend(self, key: Hashable, now: float, cost: float = 1) -> Spent:
        """Count this much for a key, unless it is refused."""
        self._forget(now)
        spent = self.ask(key, now, cost)
        if spent.allowed:
            self._paid[key], _ = spend(self.rate, self._paid.get(key, -inf), now, cost)
            self._paid.move_to_end(key)
        return spent

    def ask(self, key: Hashable, now: float, cost: float = 1) -> Spent:
        """Return what `spend` would, and count nothing."""
        _, wait = spend(self.rate, self._paid.get(key, -inf), now, cost)
        if wait > self._patience + ROUNDING_SECONDS:
            return Spent(allowed=False, wait=wait - self._patience)
        return Spent(allowed=True, wait=wait)

    def _forget(self, now: float) -> None:
        """Let go of keys that may do as much as one that was never seen, the longest unseen first."""
        while self._paid:
            key, paid = next(iter(self._paid.items()))
            if paid > now:
                return
            del self._paid[key]
