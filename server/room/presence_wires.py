"""Changes in the list of people as bytes, for each way of seeing them."""

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from server.protocol.frames import Presence, Presences
from server.room.session import Session, framed
from server.rules.visibility import View, presence_for

GATHERED_BYTES = 48 * 1024
"""Maximum size of the changes in one frame."""


class PresenceChange(NamedTuple):
    """A person joined, left or changed."""

    about: str
    """Identity of the person that the change is about. It is not sent to people who blocked them or are blocked."""
    presence: Presence
    was_hidden: bool = False

    def wire(self, view: View) -> "PresenceWire":
        seen = presence_for(view, self.presence, was_hidden=self.was_hidden)
        return PresenceWire(framed(seen) if seen else b"", seen)


class PresenceWire(NamedTuple):
    """A change as it is seen in one view."""

    wire: bytes
    """What is sent; empty if the change is not seen."""
    presence: Presence | None

    def suits(self, session: Session) -> bool:
        """Return whether a client expects it; some learn a change of status from the who list."""
        return session.dialect.silent_presence or bool(self.presence and self.presence.message)


class PresenceWires:
    """The queued changes as they are seen in one view."""

    def __init__(self, changes: Sequence[PresenceChange], view: View) -> None:
        self.each = [change.wire(view) for change in changes]
        self._all = b"".join(one.wire for one in self.each)
        self._ends = [0, *accumulate(len(one.wire) for one in self.each)]

    def after(self, known: int) -> bytes:
        """Return all changes but the first ones."""
        return self._all[self._ends[known] :]

    @cached_property
    def gathered(self) -> bytes:
        """All changes in few frames."""
        groups: list[list[Presence]] = [[]]
        size = 0
        for wire, presence in self.each:
            if size + len(wire) > GATHERED_BYTES:
                groups.append([])
                size = 0
            size += len(wire)
            if presence:
                groups[-1].append(presence)
        return b"".join(framed(Presences(each) if len(each) > 1 else each[0]) for each in groups if each)
