"""Bans by name and by identity, each until a point in time."""

from collections.abc import Iterable
from typing import NamedTuple

from server.protocol import names
from server.protocol.wording import counted
from server.rules.messages import Person

HOUR_MILLISECONDS = 3600 * 1000


class Ban(NamedTuple):
    """A ban; `until` is in milliseconds, `identity` is "" if nobody with this name was ever here."""

    name: str
    identity: str
    until: int
    by: str

    @property
    def key(self) -> str:
        """The key of the name, the same for all of its spellings."""
        return names.key(self.name)


class BanIndex:
    """All bans of a room, by name and by identity."""

    def __init__(self) -> None:
        self._by_key: dict[str, Ban] = {}

    def set(self, ban: Ban) -> None:
        """Add a ban; replaces an earlier one of this name."""
        self._by_key.pop(ban.key, None)
        self._by_key[ban.key] = ban

    def lift(self, name: str) -> None:
        """Remove the ban of a name."""
        self._by_key.pop(names.key(name), None)

    def current(self, now: int) -> Iterable[Ban]:
        """Return the bans that have not ended, in the order in which they were imposed."""
        return [ban for ban in self._by_key.values() if ban.until > now]

    def find(self, name: str, now: int) -> Ban | None:
        """Return the current ban of a name; None if there is none."""
        ban = self._by_key.get(names.key(name))
        return ban if ban and ban.until > now else None

    def against(self, person: Person, now: int) -> Ban | None:
        """Return the ban that keeps a person out, whatever name they use now; None if there is none."""
        own = (ban for ban in self.current(now) if ban.identity and ban.identity == person.identity)
        return self.find(person.name, now) or next(iter(own), None)


def remaining(ban: Ban, now: int) -> str:
    """Return how long a ban lasts from now, in words."""
    minutes = max(1, -(-(ban.until - now) // 60_000))
    hours, minutes = divmod(minutes, 60)
    parts = [(hours // 24, "day"), (hours % 24, "hour"), (minutes if hours < 24 else 0, "minute")]
    return " ".join(counted(count, unit) for count, unit in parts if count)
