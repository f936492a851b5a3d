"""Names and their holders: people in the room, and people for whom a name is reserved after they left."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from server.protocol import names
from server.rules import lookalikes
from server.rules.messages import Person

DEFAULT_DAYS = 30
_DAY_MILLISECONDS = 24 * 3600 * 1000
MAX_RESERVED = 50_000
"""Maximum number of names that are reserved because of their last use; the oldest are dropped."""


class Obstacle(Enum):
    """The reason why a person cannot have a name."""

    TAKEN = "taken"
    LOOKS_TAKEN = "looks taken"
    RESERVED = "reserved"


class _Hold(NamedTuple):
    """A name of a person; all of its spellings have the same key."""

    identity: str
    key: str

    @classmethod
    def of(cls, person: Person) -> "_Hold":
        return cls(person.identity, names.key(person.name))


class Reservations:
    """All held names, indexed by what they look like. Times are in milliseconds."""

    def __init__(self) -> None:
        self.days = DEFAULT_DAYS
        """Days for which a name is reserved after its last use; 0: only those of members."""
        self._members_sign_in = False
        self._members: dict[_Hold, None] = {}
        """The names of the members of the site, the latest last."""
        self._present: set[_Hold] = set()
        self._claimed: Counter[_Hold] = Counter()
        """Names claimed by logins in progress."""
        self._held_at: dict[_Hold, int] = {}
        """When each name was last held, the latest last. Only for people who can log in again as the same person."""
        self._reports: dict[str, _Hold] = {}
        """The name that each open report is about."""
        self._reported: Counter[_Hold] = Counter()
        self._looks: defaultdict[_Hold, frozenset[str]] = defaultdict(frozenset)
        self._by_look: defaultdict[str, set[_Hold]] = defaultdict(set)

    def joined(self, person: Person, now: int, *, returns: bool) -> None:
        """Record that a person is in the room; `returns`: they can log in again as the same person."""
        hold = self._index(person)
        self._present.add(hold)
        if returns:
            self.reserve(person, now)

    def left(self, person: Person, now: int) -> None:
        """Record that a person left the room."""
        hold = _Hold.of(person)
        self._present.discard(hold)
        self.renew(person, now)
        self._drop_unused(hold)

    def claim(self, person: Person) -> None:
        """Record that a person is about to enter the room. Until `release`, nobody else can have the name."""
        self._claimed[self._index(person)] += 1

    def release(self, person: Person) -> None:
        """Record that a person has entered the room, or will not enter it."""
        hold = _Hold.of(person)
        self._claimed[hold] -= 1
        if not self._claimed[hold]:
            del self._claimed[hold]
        self._drop_unused(hold)

    def configure(self, days: int, *, members: bool) -> None:
        """Set for how many days names are reserved, and whether those of the site's members are reserved forever."""
        self.days, self._members_sign_in = days, members

    def add_member(self, person: Person) -> None:
        """Record a member of the site."""
        hold = self._index(person)
        self._members.pop(hold, None)
        self._members[hold] = None
        if len(self._members) > MAX_RESERVED:
            oldest = next(iter(self._members))
            del self._members[oldest]
            self._drop_unused(oldest)

    def reserve(self, person: Person, held_at: int) -> None:
        """Record when a name was last held by a person who can return. Call it in the order of these times."""
        hold = self._index(person)
        self._held_at.pop(hold, None)
        self._held_at[hold] = held_at
        if len(self._held_at) > MAX_RESERVED:
            self._forget(next(iter(self._held_at)))

    def renew(self, person: Person, held_at: int) -> None:
        """Record when a person last held a name, if they can return."""
        if _Hold.of(person) in self._held_at:
            self.reserve(person, held_at)

    def report_opened(self, report_id: str, person: Person) -> None:
        """Record a report about a person, under the name that they had."""
        if report_id not in self._reports:
            self._reports[report_id] = self._index(person)
            self._reported[self._reports[report_id]] += 1

    def report_closed(self, report_id: str) -> None:
        """Record that a report was resolved, withdrawn or deleted."""
        if hold := self._reports.pop(report_id, None):
            self._reported[hold] -= 1
            if not self._reported[hold]:
                del self._reported[hold]
            self._drop_unused(hold)

    def obstacle(self, name: str, identity: str, now: int) -> Obstacle | None:
        """Return why a person cannot have a name; None if they can."""
        own, others = _Hold(identity, names.key(name)), [*self._alike(name, identity)]
        here = [other for other in others if other in self._present or other in self._claimed]
        if any(other.key == own.key for other in here):
            return Obstacle.TAKEN
        if any(other.key == own.key and self._is_member(other) for other in others):
            # Even for a guest who had this name first.
            return Obstacle.RESERVED
        if own in self._present or self._is_reserved(own, now):
            return None
        if here:
            return Obstacle.LOOKS_TAKEN
        return Obstacle.RESERVED if any(self._is_reserved(other, now) for other in others) else None

    def holds(self, person: Person, now: int) -> bool:
        """Return whether a person is in the room under this name, or has it reserved."""
        hold = _Hold.of(person)
        return hold in self._present or self._is_reserved(hold, now)

    def expire(self, now: int) -> None:
        """Forget names whose reservation has expired."""
        for hold in [hold for hold in self._held_at if hold not in self._present and not self._is_recent(hold, now)]:
            self._forget(hold)

    def _alike(self, name: str, identity: str) -> Iterator[_Hold]:
        """Yield the names of other people that look like this one."""
        for look in lookalikes.keys(name):
            yield from (hold for hold in self._by_look.get(look, ()) if hold.identity != identity)

    def _is_reserved(self, hold: _Hold, now: int) -> bool:
        return self._is_member(hold) or self._is_recent(hold, now) or bool(self.days and self._reported[hold])

    def _is_member(self, hold: _Hold) -> bool:
        return self._members_sign_in and hold in self._members

    def _is_recent(self, hold: _Hold, now: int) -> bool:
        return hold in self._held_at and now < self._held_at[hold] + self.days * _DAY_MILLISECONDS

    def _index(self, person: Person) -> _Hold:
        hold, looks = _Hold.of(person), lookalikes.keys(person.name)
        self._looks[hold] |= looks
        for look in looks:
            self._by_look[look].add(hold)
        return hold

    def _forget(self, hold: _Hold) -> None:
        del self._held_at[hold]
        self._drop_unused(hold)

    def _drop_unused(self, hold: _Hold) -> None:
        """Remove a name from the index unless there is still a reason to keep it."""
        if any(
            hold in reasons for reasons in (self._present, self._claimed, self._held_at, self._reported, self._members)
        ):
            return
        for look in self._looks.pop(hold, ()):
            self._by_look[look].discard(hold)
            if not self._by_look[look]:
                del self._by_look[look]
