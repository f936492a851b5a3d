"""What stands in one channel or conversation, in the server's order."""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Sequence, Set
from datetime import datetime
from itertools import islice, takewhile
from math import inf
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from tui.client.reactions import Reaction
from tui.tone import Tone

BEGINNING, END = -inf, inf
"""Before and behind the number of every message."""
MAX_LOOK_BACK = 200
"""Entries between two messages that are looked through for the one that counts."""
CHANGES_KEPT = 5_000
"""Entries in changes that nobody has taken, beyond twice those of the timeline; more than one frame brings."""
WEIGHED_CHARS, WEIGHED_NAMES = 1_000, 10


class Line(Struct, frozen=True):
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


class Pending(Struct, frozen=True):
    """One's own message that the server has not confirmed yet, or in `failure` why it never will."""

    nonce: str
    author: str
    text: str
    at: datetime
    failure: str = ""


class Notice(Struct, frozen=True):
    """A line that nobody said: of the server itself, or of this client."""

    text: str
    tone: Tone = Tone.INFO
    gap: bool = False
    """Whether it says that messages are missing between the entries around it."""


Entry = Line | Notice | Pending


def weight(entry: Entry) -> int:
    """Return what an entry counts for where their sum has a limit: 1, and more for what takes more memory."""
    names = sum(len(each.usernames) for each in entry.reactions) if isinstance(entry, Line) else 0
    return 1 + len(entry.text) // WEIGHED_CHARS + names // WEIGHED_NAMES


class Change(NamedTuple):
    """What took the place of so many entries."""

    at: int
    removed: int
    added: list[Entry]


class Timeline(Struct):
    """Messages in the order of their numbers, each once, with notices between them where they came up."""

    id: str
    name: str
    unread: int = 0
    new_from: int = 0
    """The first message that was unread when one turned here, 0 if none was."""
    more: bool = True
    """Whether the server may have older messages."""
    asked_older: str = ""
    """The nonce of the request for older messages that is under way."""
    _entries: list[Entry] = field(default_factory=list)
    _keys: list[float] = field(default_factory=list)
    """For each entry the number of the message that it is or stands behind: in order, to be bisected."""
    _pending: dict[str, Pending] = field(default_factory=dict)
    """The last entries, by nonce."""
    _failed: list[Pending] = field(default_factory=list)
    """In the order in which the server refused them."""
    _reported: set[int] = field(default_factory=set)
    _changes: list[Change] = field(default_factory=list)
    _recorded: int = 0
    """How many changes there are, and entries in them."""
    _taken: int = 0
    """How many entries there were when the changes were taken."""
    _weight: int = 0

    @property
    def weight(self) -> int:
        """The weight of all entries."""
        return self._weight

    @property
    def entries(self) -> Sequence[Entry]:
        """Everything in the order in which it is shown, as it is now and will be; what is pending comes last."""
        return self._entries

    def count_unread(self, line: Line) -> None:
        """Count a message that came while one looked elsewhere."""
        self.new_from = self.new_from if self.unread else line.msg_id
        self.unread += 1

    @property
    def oldest(self) -> int:
        """The number of the first message, 0 if there is none."""
        return next((entry.msg_id for entry in self._entries if isinstance(entry, Line)), 0)

    def take_changes(self) -> list[Change]:
        """What changed since this was called before, one after the other; for the one place that shows the timeline."""
        taken, self._changes = self._changes, []
        self._recorded, self._taken = 0, len(self._entries)
        return taken

    def add(self, line: Line, nonce: str | None = None) -> bool:
        """Put a message in its place, for the pending one of its nonce; False if it stands there already."""
        if line.mine and nonce in self._pending:
            self._splice(self._pending_at(nonce), 1, [], [])
            del self._pending[nonce]
        if self.find(line.msg_id):
            return False
        at = bisect_right(self._keys, line.msg_id)
        self._splice(at, 0, [line], [line.msg_id])
        gap = self._gap_around(at) if nonce else None
        if gap:
            # One's own, confirmed late: what is missing may be before it and behind it.
            self._splice(at + 1, 0, [gap], [line.msg_id])
        if line.reported:
            self._reported.add(line.msg_id)
        return True

    def note(self, notice: Notice) -> None:
        """Put a notice below everything that is there."""
        self._insert(notice)

    def take_notices(self, other: "Timeline") -> None:
        """Take over what another timeline, which will not be shown again, has to tell."""
        notices: list[Entry] = [entry for entry in other.entries if isinstance(entry, Notice)]
        self._splice(0, 0, notices, [BEGINNING] * len(notices))
        other.forget()
        other._splice(0, len(notices), [], [])

    def await_confirmation(self, pending: Pending) -> None:
        """Show one's own message before the server has it."""
        self._pending[pending.nonce] = pending
        self._splice(len(self._entries), 0, [pending], [END])

    def awaits(self, nonce: str | None) -> bool:
        """Whether one's own message of this nonce is pending."""
        return nonce in self._pending

    def fail(self, nonce: str, why: str) -> bool:
        """Let a pending message stay where it is, as one never to be sent; False if there is none of this nonce."""
        if nonce not in self._pending:
            return False
        self._splice(self._pending_at(nonce), 1, [], [])
        failed = replace(self._pending.pop(nonce), failure=why)
        self._failed.append(failed)
        # What comes from now on stands below it, like below a notice.
        self._insert(failed)
        return True

    @property
    def has_failed(self) -> bool:
        """Whether there is a message that was refused."""
        return bool(self._failed)

    def take_failed(self) -> Pending:
        """Take the latest message that was refused out, to be mended; only where one is."""
        failed = self._failed.pop()
        self._splice(next(at for at, entry in enumerate(self._entries) if entry is failed), 1, [], [])
        return failed

    @property
    def holds_pending(self) -> bool:
        """Whether there is a message of one's own that the server does not have, be it that it will not take it."""
        return bool(self._pending or self._failed)

    def unsent(self) -> list[Pending]:
        """The messages that still have to reach the server."""
        return list(self._pending.values())

    def position(self, msg_id: float) -> int:
        """Where among the entries a message stands; if it is not there, where the next one does."""
        return bisect_left(self._keys, msg_id)

    def key(self, number: int) -> float:
        """The message that an entry is or stands behind; `BEGINNING` before all, `END` if it is pending."""
        return self._keys[number]

    def find(self, msg_id: int) -> Line | None:
        """The message of a number."""
        at = self.position(msg_id)
        entry = self._entries[at] if at < len(self._entries) else None
        return entry if isinstance(entry, Line) and entry.msg_id == msg_id else None

    def holds(self, line: Line) -> bool:
        """Whether the number of a message still stands for the same one."""
        found = self.find(line.msg_id)
        return found is not None and (found.author, found.at) == (line.author, line.at)

    def mark_reported(self, msg_ids: Set[int], among: Set[int] | None = None) -> None:
        """Show which messages are reported: these, and no others; only those `among` them can have changed."""
        for msg_id in self._reported ^ msg_ids if among is None else among:
            line, reported = self.find(msg_id), msg_id in msg_ids
            if line and line.reported != reported:
                self._replace(replace(line, reported=reported))
            if line and reported:
                self._reported.add(msg_id)
            else:
                self._reported.discard(msg_id)

    def take_back(self, msg_ids: Iterable[int]) -> None:
        """Leave of these messages their places alone."""
        for msg_id in msg_ids:
            line = self.find(msg_id)
            if line and not line.taken_back:
                self._replace(replace(line, text="", taken_back=True, reactions=()))

    def react(self, msg_id: int, reactions: tuple[Reaction, ...]) -> None:
        """Let these stand under a message."""
        if line := self.find(msg_id):
            self._replace(replace(line, reactions=reactions))

    def around(
        self, msg_id: int, before: int, after: int, hidden: Container[str] = ()
    ) -> tuple[list[Line], list[Line]]:
        """What can be read of so many messages before and after one, in order; nothing from behind a gap.

        As the server counts: one that was taken back has its place, one of a hidden author has none.
        """

        def seen(numbers: Iterable[int], count: int) -> list[Line]:
            near = takewhile(lambda each: not _is_gap(each), (self._entries[number] for number in numbers))
            lines = (each for each in near if isinstance(each, Line) and each.msg_id != msg_id)
            counted = islice((each for each in lines if each.author not in hidden), max(0, count))
            return [each for each in counted if not each.taken_back]

        at = self.position(msg_id)
        earlier = seen(range(at - 1, -1, -1), before)
        return earlier[::-1], seen(range(at, len(self._entries)), after)

    def forget(self) -> None:
        """Take every numbered message out: the server numbers anew."""
        left = [entry for entry in self._entries if not isinstance(entry, Line)]
        notices = len(left) - len(self._pending)
        self._splice(0, len(self._entries), left, [BEGINNING] * notices + [END] * len(self._pending))
        self._reported.clear()
        self.unread = self.new_from = 0
        self.more, self.asked_older = True, ""

    def shed(self, least: int) -> None:
        """Remove the oldest entries, of so much weight at least; the server can be asked for them again."""
        gone, count = 0, 0
        for entry in self._entries[: len(self._entries) - len(self._pending)]:
            if gone >= least:
                break
            gone, count = gone + weight(entry), count + 1
        failed = {id(entry) for entry in self._entries[:count] if isinstance(entry, Pending)}
        self._failed = [each for each in self._failed if id(each) not in failed]
        self._splice(0, count, [], [])
        self.more = True

    def _insert(self, entry: Entry) -> None:
        """Put what has no number behind everything but what is pending."""
        at = len(self._entries) - len(self._pending)
        self._splice(at, 0, [entry], [self._keys[at - 1] if at else BEGINNING])

    def _gap_around(self, at: int) -> Notice | None:
        """The notice of the gap in the middle of which an entry stands."""
        if not isinstance(next(iter(self._entries[at + 1 : at + 2]), None), Line):
            return None
        earlier = islice((self._entries[number] for number in range(at - 1, -1, -1)), MAX_LOOK_BACK)
        notices = takewhile(lambda entry: isinstance(entry, Notice), earlier)
        return next((entry for entry in notices if isinstance(entry, Notice) and entry.gap), None)

    def _pending_at(self, nonce: str | None) -> int:
        return len(self._entries) - len(self._pending) + list(self._pending).index(nonce or "")

    def _replace(self, line: Line) -> None:
        self._splice(self.position(line.msg_id), 1, [line], [line.msg_id])

    def _splice(self, at: int, removed: int, added: Sequence[Entry], keys: Sequence[float]) -> None:
        """The one way in which entries change, so that whoever shows them need not look for what did."""
        self._weight += sum(map(weight, added)) - sum(map(weight, self._entries[at : at + removed]))
        self._entries[at : at + removed] = added
        self._keys[at : at + removed] = keys
        last = self._changes[-1] if self._changes else None
        if last and not removed and at == last.at + len(last.added):
            last.added.extend(added)
        elif removed or added:
            self._changes.append(Change(at, removed, list(added)))
        self._recorded += 1 + len(added)
        if self._recorded > 2 * len(self._entries) + CHANGES_KEPT:
            # Nobody looks here now, and would have to catch up with more than there is.
            self._changes, self._recorded = [Change(0, self._taken, list(self._entries))], len(self._entries)


def _is_gap(entry: Entry) -> bool:
    return isinstance(entry, Notice) and entry.gap
