"""Changes in the list of people as bytes, for each way of seeing them."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from server.protocol.frames import Presence
from server.room.session import Session, framed
from server.rules.visibility import View, presence_for


class PresenceChange(NamedTuple):
    """A person joined, left or changed."""

    about: str
    """Identity of the person that the change is about. It is not sent to people who blocked them or are blocked."""
    presence: Presence
    was_hidden: bool = False

    def wire(self, view: View) -> "PresenceWire":
        seen = presence_for(view, self.presence, was_hidden=self.was_hidden)
        return PresenceWire(framed(seen) if seen else b"", silent=not (seen and seen.message))


class PresenceWire(NamedTuple):
    """A change as it is seen in one view."""

    wire: bytes
    """What is sent; empty if the change is not seen."""
    silent: bool
    """A change of status, which some clients learn from the who list."""

    def suits(self, session: Session) -> bool:
        return session.dialect.silent_presence or not self.silent


class PresenceWires:
    """The queued changes as they are seen in one view."""

    def __init__(self, changes: Sequence[PresenceChange], view: View) -> None:
        self.each = [change.wire(view) for change in changes]
        self._all = b"".join(one.wire for one in self.each)
        self._ends = [0, *accumulate(len(one.wire) for one in self.each)]

    def after(self, known: int) -> bytes:
        """Return all changes but the first ones."""
        return self._all[self._ends[known] :]
