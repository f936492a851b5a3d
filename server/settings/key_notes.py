"""Notes for the administrator about how each key of a settings file is used."""

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple


class Use(Enum):
    """The use of a key."""

    USED = auto()
    CHANGED = auto()
    """The key is used, but with a different value than in the file."""
    MISSING = auto()
    """The key is not in the file, but should be."""
    IGNORED = auto()
    UNKNOWN = auto()


class KeyNote(NamedTuple):
    """The use of one key, and the reason."""

    key: str
    """The key as in the file, like `PublicChannels[0].Icon`."""
    use: Use
    why: str = ""


def notices(notes: Sequence[KeyNote]) -> Iterator[str]:
    """Yield lines about the keys for the administrator."""
    # Name a key of several channels once.
    ignored = {re.sub(r"\[\d+\]", "", note.key) for note in notes if note.use is Use.IGNORED}
    if ignored:
        keys = ", ".join(sorted(ignored))
        yield f"these BareRTC settings have no meaning in a terminal and are ignored (doctor says why): {keys}"
    unknown = [f"{note.key} ({note.why})" if note.why else note.key for note in notes if note.use is Use.UNKNOWN]
    if unknown:
        yield f"these settings are unknown and ignored: {', '.join(unknown)}"
    for note in notes:
        if note.use in {Use.CHANGED, Use.MISSING}:
            yield f"{note.key}: {'missing; ' if note.use is Use.MISSING else ''}{note.why}"
