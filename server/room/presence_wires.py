"""Presence changes, encoded for each view of the who list."""

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
    """The arrival, departure or changed entry of a person."""

    about: str
    """Identity of the person concerned. The change is not sent to people who blocked them, or whom they blocked."""
    presence: Presence
    was_hidden: bool = False

    def wire(self, view: View) -> "PresenceWire":
        seen = presence_for(view, self.presence, was_hidden=self.was_hidden)
        return PresenceWire(framed(seen) if seen else b"", seen)


class PresenceWire(NamedTuple):
    """A presence change, encoded for one view."""

    wire: bytes
    """The bytes to send; empty if the change is not visible in this view."""
    presence: Presence | None

    def suits(self, session: Session) -> bool:
        """Return whether a client expects this frame. Some expect changes of status only in the who list."""
        return session.dialect.silent_presence or bool(self.presence and self.presence.message)


class PresenceWires:
    """The queued presence changes, encoded for one view."""

    def __init__(self, changes: Sequence[PresenceChange], view: View) -> None:
        self.each = [change.wire(view) for change in changes]
        self._all = b"".join(one.wire for one in self.each)
        self._ends = [0, *accumulate(len(one.wire) for one in self.each)]

    def after(self, known: int) -> bytes:
        """Return the bytes of all changes after the first `known` ones."""
        return self._all[self._ends[known] :]

    @cached_property
    def gathered(self) -> bytes:
        """All changes, in as few frames as possible."""
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
