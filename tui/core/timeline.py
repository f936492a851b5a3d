"""What stands in one channel or conversation, in the server's order."""

from collections.abc import Container
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from tui.core.reactions import Reaction


@dataclass(frozen=True, slots=True)
class Line:
    """A message that the server has numbered; `at` is aware of its time zone."""

    msg_id: int
    author: str
    text: str
    at: datetime
    mine: bool
    reported: bool = False
    taken_back: bool = False
    """Its text is empty; the server keeps it for reports alone."""
    reactions: tuple[Reaction, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """One's own message that the server has not confirmed yet, or in `failure` why it will not."""

    nonce: str
    author: str
    text: str
    at: datetime
    failure: str = ""


class Tone(StrEnum):
    """How a notice is meant."""

    INFO = "info"
    SAID = "said"
    """By ChatServer, in Markdown."""
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Notice:
    """A line that nobody said: of the server itself, or of this client."""

    text: str
    tone: Tone = Tone.INFO


Entry = Line | Notice | Pending


@dataclass
class Timeline:
    """Messages in the order of their numbers, each once, with notices between them where they came up."""

    id: str
    name: str
    unread: int = 0
    more: bool = True
    """Whether the server may have older messages."""
    asked_older: str = ""
    """The nonce of the request for older messages that is under way."""
    _entries: list[Line | Notice] = field(default_factory=list)
    _pending: dict[str, Pending] = field(default_factory=dict)
    _numbers: set[int] = field(default_factory=set)
    _newest: int = 0

    @property
    def entries(self) -> list[Entry]:
        """Everything in the order in which it is shown; what is pending comes last."""
        return [*self._entries, *self._pending.values()]

    @property
    def oldest(self) -> int:
        """The number of the first message, 0 if there is none."""
        return next((entry.msg_id for entry in self._entries if isinstance(entry, Line)), 0)

    def add(self, line: Line, nonce: str | None = None) -> bool:
        """Put a message in its place, for the pending one of its nonce; False if it stands there already."""
        if line.mine and nonce:
            self._pending.pop(nonce, None)
        if line.msg_id in self._numbers:
            return False
        self._entries.insert(self._position(line.msg_id), line)
        self._numbers.add(line.msg_id)
        self._newest = max(self._newest, line.msg_id)
        return True

    def note(self, notice: Notice) -> None:
        """Put a notice below everything that is there."""
        self._entries.append(notice)

    def take_notices(self, other: "Timeline") -> None:
        """Take over what another timeline, which will not be shown again, has to tell."""
        self._entries, other._entries = [*other._entries, *self._entries], []

    def await_confirmation(self, pending: Pending) -> None:
        """Show one's own message before the server has it."""
        self._pending[pending.nonce] = pending

    def awaits(self, nonce: str | None) -> bool:
        """Whether one's own message of this nonce is pending."""
        return nonce in self._pending

    def fail(self, nonce: str, why: str) -> bool:
        """Mark a pending message as one that will not be sent; False if there is none of this nonce."""
        if nonce not in self._pending:
            return False
        self._pending[nonce] = replace(self._pending[nonce], failure=why)
        return True

    def unsent(self) -> list[Pending]:
        """The messages that still have to reach the server."""
        return [pending for pending in self._pending.values() if not pending.failure]

    def find(self, msg_id: int) -> Line | None:
        """The message of a number."""
        return next((e for e in reversed(self._entries) if isinstance(e, Line) and e.msg_id == msg_id), None)

    def holds(self, line: Line) -> bool:
        """Whether the number of a message still stands for the same one."""
        found = self.find(line.msg_id)
        return found is not None and (found.author, found.at) == (line.author, line.at)

    def mark_reported(self, msg_ids: Container[int]) -> None:
        """Show which messages are reported: these, and no others."""
        for at, entry in enumerate(self._entries):
            if isinstance(entry, Line) and entry.reported != (entry.msg_id in msg_ids):
                self._entries[at] = replace(entry, reported=not entry.reported)

    def take_back(self, msg_ids: Container[int]) -> None:
        """Leave of these messages their places alone."""
        for at, entry in enumerate(self._entries):
            if isinstance(entry, Line) and entry.msg_id in msg_ids and not entry.taken_back:
                self._entries[at] = replace(entry, text="", taken_back=True, reactions=())

    def react(self, msg_id: int, reactions: tuple[Reaction, ...]) -> None:
        """Let these stand under a message."""
        for at, entry in enumerate(self._entries):
            if isinstance(entry, Line) and entry.msg_id == msg_id:
                self._entries[at] = replace(entry, reactions=reactions)

    def around(
        self, msg_id: int, before: int, after: int, hidden: Container[str] = ()
    ) -> tuple[list[Line], list[Line]]:
        """At most so many messages before and after one, in order: what can be read, and is not of a hidden author."""
        seen = [e for e in self._entries if isinstance(e, Line) and not e.taken_back and e.author not in hidden]
        earlier = [line for line in seen if line.msg_id < msg_id]
        later = [line for line in seen if line.msg_id > msg_id]
        return earlier[max(0, len(earlier) - max(0, before)) :], later[: max(0, after)]

    def forget(self) -> None:
        """Take every numbered message out: the server numbers anew."""
        self._entries = [entry for entry in self._entries if isinstance(entry, Notice)]
        self._numbers.clear()
        self._newest = self.unread = 0
        self.more, self.asked_older = True, ""

    def _position(self, msg_id: int) -> int:
        """Behind everything, unless a later message is there already."""
        if msg_id > self._newest:
            return len(self._entries)
        later = (at for at, entry in enumerate(self._entries) if isinstance(entry, Line) and entry.msg_id > msg_id)
        return next(later, len(self._entries))
