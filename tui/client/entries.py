"""The entries of a timeline: messages, the user's pending messages, and notices; and the record of their changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct, field

from server.protocol.codes import ReportState
from tui.client.reactions import ShownReaction
from tui.tone import Tone

CHANGES_KEPT = 5_000
"""Entries that unfetched changes may contain in addition to twice those of the timeline; one frame adds fewer."""
WEIGHED_CHARS, WEIGHED_NAMES = 1_000, 10


class Line(Struct, frozen=True):
    """A message that the server has numbered; `at` has a time zone."""

    msg_id: int
    author: str
    text: str
    at: datetime
    mine: bool
    report: str | None = None
    """The status of the user's report of it, or None."""
    taken_back: bool = False
    """Deleted: the text is empty; the server stores it for reports only."""
    reactions: tuple[ShownReaction, ...] = ()
    edited: bool = False
    """The author has replaced the text."""

    @property
    def reported(self) -> bool:
        """Return whether the user has reported the message, and has not withdrawn the report."""
        return self.report not in {None, ReportState.WITHDRAWN}


class Pending(Struct, frozen=True):
    """The user's own message that the server has not confirmed; `failure` says why it never will."""

    nonce: str
    author: str
    text: str
    at: datetime
    failure: str | None = None


class Notice(Struct, frozen=True):
    """A line that is not a message: from the server or from this client."""

    text: str
    tone: Tone = Tone.INFO
    at: datetime | None = None
    """The time at which the notice appeared; None if it has no time."""
    topic: str = ""
    """Its subject, if a later notice on the same subject replaces it; else ""."""
    lasting: bool = True
    """False if it is removed once there are messages and another notice below it."""
    gap: bool = False
    """True if messages are missing between the entries around it."""


Entry = Line | Notice | Pending


def weight(entry: Entry) -> int:
    """Return how much an entry counts towards the limit on all entries: 1, and more if it takes more memory."""
    names = sum(len(each.usernames) for each in entry.reactions) if isinstance(entry, Line) else 0
    return 1 + len(entry.text) // WEIGHED_CHARS + names // WEIGHED_NAMES


class Change(NamedTuple):
    """A replacement of `removed` entries, from index `at` on, by the `added` ones."""

    at: int
    removed: int
    added: list[Entry]


class ChangeLog(Struct):
    """The changes to the entries of a timeline since its view last fetched them."""

    _changes: list[Change] = field(default_factory=list)
    _recorded: int = 0
    """Number of changes, and of entries in them."""
    _fetched: int = 0
    """Number of entries when the changes were last fetched."""

    @property
    def size(self) -> int:
        """Return the number of changes, and of entries in them."""
        return self._recorded

    def record(self, change: Change, entries: Sequence[Entry]) -> None:
        """Add a change that resulted in these entries."""
        last = self._changes[-1] if self._changes else None
        if last and not change.removed and change.at == last.at + len(last.added):
            last.added.extend(change.added)
        elif change.removed or change.added:
            self._changes.append(change)
        self._recorded += 1 + len(change.added)
        if self._recorded > 2 * len(entries) + CHANGES_KEPT:
            # No view follows this timeline now; replace the recorded changes, which have grown longer than the entries.
            self._changes, self._recorded = [Change(0, self._fetched, list(entries))], len(entries)

    def pop(self, entries: Sequence[Entry]) -> list[Change]:
        """Return the changes that resulted in these entries, in order, and clear them."""
        popped, self._changes = self._changes, []
        self._recorded, self._fetched = 0, len(entries)
        return popped


def is_gap(entry: Entry) -> bool:
    """Return whether an entry marks missing messages."""
    return isinstance(entry, Notice) and entry.gap
