"""Assigns hues to names, so that as few people in the room as possible share one."""

from collections.abc import Iterable, Mapping, Set
from zlib import crc32

from msgspec import Struct, field

HUES = 12
"""The number of hues that are easy to distinguish."""
REMEMBERED = 2_000
"""Maximum number of people whose hue is remembered after they left."""


class Hues(Struct):
    """The hues of people, by name; each person keeps theirs while they are in the room."""

    of: Mapping[str, int] = field(default_factory=dict)
    """Hue by name. Each change creates a new mapping, by which a view recognises whether it has drawn the latest."""
    _present: Set[str] = frozenset()

    def assign(self, present: Iterable[str]) -> None:
        """Assign a hue to each person in the room: their usual one, or the next one that is free."""
        names = frozenset(present)
        if names == self._present:
            return
        kept = {name: self.of[name] for name in names & self._present}
        taken = set(kept.values())
        for name in sorted(names - self._present):
            own = self.of.get(name, usual(name))
            kept[name] = next((each % HUES for each in range(own, own + HUES) if each % HUES not in taken), own)
            taken.add(kept[name])
        gone = [name for name in self.of if name not in kept][-REMEMBERED:]
        found = {name: self.of[name] for name in gone} | kept
        self._present = names
        if found != self.of:
            self.of = found


def usual(name: str) -> int:
    """Return the usual hue of a name, which it gets unless somebody in the room already has that hue."""
    return crc32(name.encode(errors="replace")) % HUES
