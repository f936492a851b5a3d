"""The entries of a timeline: messages, the user's pending messages, and notices."""

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from server.protocol.codes import ReportState
from tui.client.reactions import ShownReaction
from tui.tone import Tone

WEIGHED_CHARS, WEIGHED_NAMES = 1_000, 10


class Line(Struct, frozen=True):
    """A message that the server has numbered; `at` has a time zone."""

    msg_id: int
    author: str
    text: str
    at: datetime
    mine: bool
    report: str = ""
    """The status of the user's report of it; "" if there is none."""
    taken_back: bool = False
    """Deleted: the text is empty; the server stores it for reports only."""
    reactions: tuple[ShownReaction, ...] = ()
    edited: bool = False
    """The author has replaced the text."""

    @property
    def reported(self) -> bool:
        """Return whether the user has reported it, and has not withdrawn the report."""
        return self.report not in {"", ReportState.WITHDRAWN}


class Pending(Struct, frozen=True):
    """The user's own message that the server has not confirmed; `failure` says why it never will."""

    nonce: str
    author: str
    text: str
    at: datetime
    failure: str = ""


class Notice(Struct, frozen=True):
    """A line that is not a message: from the server or from this client."""

    text: str
    tone: Tone = Tone.INFO
    at: datetime | None = None
    """When it appeared; None: it has no time."""
    topic: str = ""
    """What it is about, if a later notice about the same replaces it."""
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
    """Entries that replaced the `removed` ones from index `at` on."""

    at: int
    removed: int
    added: list[Entry]


def is_gap(entry: Entry) -> bool:
    """Return whether messages are missing here."""
    return isinstance(entry, Notice) and entry.gap
