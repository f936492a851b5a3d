"""The entries of one channel or conversation, in the server's order."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct, field
from msgspec.structs import replace

from server.protocol import name_text, target
from server.protocol.frames import HistoryRequest
from tui.client.coverage import BEGINNING, END, Coverage, Hole
from tui.client.entries import Change, ChangeLog, Entry, Line, Notice, Pending, is_gap, weight
from tui.client.reactions import ShownReaction

GAP = "Some messages are not loaded here."
MAX_LOOK_BACK = 200
"""Number of entries that are searched for the first new message, or for a notice near the end."""
MAX_RANGES = 100
"""Maximum loaded ranges of a timeline; older entries are dropped, and can be requested again."""
MAX_PASSING = 10
"""Notices of a timeline that may be removed again; earlier ones stay."""


def title_of(channel: str, name: str) -> str:
    """Return the displayed name of a channel or conversation."""
    peer = target.name_of(channel)
    return f"# {name_text.place(name)}" if peer is None else target.conversation(name_text.shown(peer))


class Timeline(Struct):
    """Messages in the order of their numbers, each once, with notices at the point where they appeared."""

    id: str
    name: str
    unread: int = 0
    """Messages of others after `read`, as far as is known."""
    mentions: int = 0
    """How many of the unread messages name the user."""
    read: int = 0
    """The number of the last message that was on the screen."""
    last: int = 0
    """The number of the last message, as the server stated it at the login."""
    covered: Coverage = field(default_factory=Coverage)
    """The ranges of message numbers that are completely loaded."""
    requests: dict[str, HistoryRequest] = field(default_factory=dict)
    """The pending requests for messages, by nonce."""
    refused: bool = False
    """The server refused a request, so none is repeated until the user asks for it."""
    _new_after: int = -1
    """The message after which the new ones begin; -1: there are none."""
    _new_from: int = -1
    """The first new message, if it is known; -1: to be looked up."""
    _entries: list[Entry] = field(default_factory=list)
    _keys: list[float] = field(default_factory=list)
    """For each entry, the number of its message or of the one before it: sorted, for bisection."""
    _pending: dict[str, Pending] = field(default_factory=dict)
    """The pending messages by nonce; they are the last entries."""
    _failed: list[Pending] = field(default_factory=list)
    """The refused messages, in the order in which the server refused them."""
    _changes: ChangeLog = field(default_factory=ChangeLog)
    _weight: int = 0
    _passing: list[Notice] = field(default_factory=list)
    """The notices that do not last, the oldest first."""
    _gaps: set[float] = field(default_factory=set)
    """The number below each gap that is shown."""

    @property
    def peer(self) -> str | None:
        """Return the other person of a conversation; None if this is a channel."""
        return target.name_of(self.id)

    @property
    def title(self) -> str:
        """Return the displayed name of the timeline."""
        return title_of(self.id, self.name)

    @property
    def weight(self) -> int:
        return self._weight

    @property
    def entries(self) -> Sequence[Entry]:
        """Return a live view of all entries in display order, pending ones last."""
        return self._entries

    @property
    def newest(self) -> int:
        """Return the number of the last message, loaded or not; 0 if there is none."""
        lines = (entry.msg_id for entry in reversed(self._entries) if isinstance(entry, Line))
        return max(self.last, next(lines, 0))

    @property
    def complete(self) -> bool:
        """Return whether the whole history is loaded."""
        return self.covered.spans(BEGINNING, END)

    @property
    def new_from(self) -> int:
        """Return the number of the first message that was unread when the user left; 0 if it is not loaded."""
        if self._new_from < 0:
            self._new_from = self._first_new()
        return self._new_from

    def begin_new(self, after: int) -> None:
        """Mark the messages after this number as new; -1: mark none."""
        self._new_after, self._new_from = after, -1

    def count_unread(self, line: Line, *, mentioned: bool = False) -> None:
        """Count a message that was not on the screen when it arrived."""
        if not self.unread:
            # Everything before it has been seen.
            self.read = line.msg_id - 1
            self.begin_new(self.read)
        self.unread += 1
        self.mentions += mentioned

    def after(self, msg_id: int) -> Iterator[Line]:
        """Yield the loaded messages after a number."""
        for number in range(bisect_right(self._keys, msg_id), len(self._entries)):
            entry = self._entries[number]
            if isinstance(entry, Line):
                yield entry

    def cover(self, low: float, high: float) -> None:
        """Record that every message of this range is loaded."""
        if not self.covered.spans(low, high):
            self.covered.add(low, high)
            self._show_gaps()

    def miss(self, after: float) -> None:
        """Record that messages after this one may be missing."""
        self.covered.cut_above(after)
        self._show_gaps()

    def hole(self, low: float) -> Hole | None:
        """Return the hole that begins after this number; None if there is none."""
        return next((each for each in self.covered.holes() if each.low == low), None)

    def _show_gaps(self) -> None:
        """Put a notice wherever messages are missing between two that are loaded."""
        if excess := self.covered.excess(MAX_RANGES):
            self._drop(bisect_left(self._keys, excess))
            self.covered.cut_below(excess)
            self._gaps = {key for key in self._gaps if key >= excess}
        wanted = {each.low for each in self.covered.holes() if each.low > BEGINNING}
        for key in self._gaps - wanted:
            at = next(at for at in range(bisect_left(self._keys, key), len(self._keys)) if is_gap(self._entries[at]))
            self._splice(at, 1, [], [])
        for key in wanted - self._gaps:
            self._splice(bisect_right(self._keys, key), 0, [Notice(GAP, gap=True)], [key])
        self._gaps, self._new_from = wanted, -1

    def _first_new(self) -> int:
        if self._new_after < 0:
            return 0
        found = next((each for each in islice(self.after(self._new_after), MAX_LOOK_BACK) if not each.mine), None)
        return found.msg_id if found and self.covered.spans(self._new_after + 1, found.msg_id) else 0

    def pop_changes(self) -> list[Change]:
        """Return the changes since the last call, in order; for the one view that shows the timeline."""
        return self._changes.pop(self._entries)

    def add(self, line: Line, nonce: str | None = None) -> bool:
        """Insert a message in place of the pending one with its nonce; return False if it was already there."""
        if line.mine:
            self.confirm(nonce)
        if self.find(line.msg_id):
            return False
        self._splice(bisect_right(self._keys, line.msg_id), 0, [line], [line.msg_id])
        return True

    def note(self, notice: Notice) -> None:
        """Append a notice; remove the passing ones that it replaces, or that have a message below them."""
        near = range(len(self._entries) - 1, max(-1, len(self._entries) - 1 - MAX_LOOK_BACK), -1)
        last = next((at for at in near if isinstance(self._entries[at], Line)), -1)
        for passing in [*self._passing]:
            at = next((at for at in near if at < len(self._entries) and self._entries[at] is passing), None)
            if at is None or at < last or (notice.topic and passing.topic == notice.topic):
                self._passing.remove(passing)
                if at is not None:
                    self._splice(at, 1, [], [])
                    last -= at < last
        if not notice.lasting:
            self._passing = [*self._passing[1 - MAX_PASSING :], notice]
        self._insert(notice)

    def has_notice(self, topic: str) -> bool:
        """Return whether the latest passing notice is about a topic."""
        return bool(self._passing) and self._passing[-1].topic == topic

    def head(self, text: str) -> None:
        """Put a notice above everything, including what is loaded later."""
        self._splice(0, 0, [Notice(text)], [BEGINNING])

    def move_notices_from(self, other: "Timeline") -> None:
        """Move the notices of another timeline, which will not be shown again, into this one."""
        notices: list[Entry] = [entry for entry in other.entries if isinstance(entry, Notice)]
        self._splice(0, 0, notices, [BEGINNING] * len(notices))
        other.forget()
        other._splice(0, len(notices), [], [])

    def await_confirmation(self, pending: Pending) -> None:
        """Show the user's own message before the server confirms it."""
        self._pending[pending.nonce] = pending
        self._splice(len(self._entries), 0, [pending], [END])

    def confirm(self, nonce: str | None) -> None:
        """Remove the pending message with this nonce, if there is one: the server has numbered it."""
        if nonce in self._pending:
            self._splice(self._pending_at(nonce), 1, [], [])
            del self._pending[nonce]

    def awaits(self, nonce: str | None) -> bool:
        """Return whether the user's own message with this nonce is pending."""
        return nonce in self._pending

    def fail(self, nonce: str, why: str) -> bool:
        """Mark a pending message as failed, and move it above the pending ones; return False if there is none."""
        if nonce not in self._pending:
            return False
        self._splice(self._pending_at(nonce), 1, [], [])
        failed = replace(self._pending.pop(nonce), failure=why)
        self._failed.append(failed)
        # New entries appear below the failed message, as below a notice.
        self._insert(failed)
        return True

    @property
    def has_failed(self) -> bool:
        return bool(self._failed)

    def pop_failed(self) -> Pending:
        """Remove and return the latest refused message, for editing. Call it only if `has_failed`."""
        failed = self._failed.pop()
        self._splice(next(at for at, entry in enumerate(self._entries) if entry is failed), 1, [], [])
        return failed

    @property
    def holds_pending(self) -> bool:
        """Return whether a message of the user is pending or refused."""
        return bool(self._pending or self._failed)

    @property
    def own(self) -> list[Pending]:
        """Return the user's messages that the server does not have: refused ones, then pending ones."""
        return [*self._failed, *self._pending.values()]

    def unsent(self) -> list[Pending]:
        """Return the messages that have yet to reach the server."""
        return list(self._pending.values())

    def position(self, msg_id: float) -> int:
        """Return the index of a message; if it is not there, the index of the next one."""
        return bisect_left(self._keys, msg_id)

    def key(self, number: int) -> float:
        """Return the number of an entry's message or of the one before it; `BEGINNING` before all, `END` if pending."""
        return self._keys[number]

    def find(self, msg_id: int) -> Line | None:
        """Return the message with this number, if it is loaded."""
        at = self.position(msg_id)
        entry = self._entries[at] if at < len(self._entries) else None
        return entry if isinstance(entry, Line) and entry.msg_id == msg_id else None

    def holds(self, line: Line) -> bool:
        """Return whether the number of a message still refers to the same message."""
        found = self.find(line.msg_id)
        return found is not None and (found.author, found.at) == (line.author, line.at)

    def mark_reported(self, statuses: Mapping[int, str | None]) -> None:
        """Mark messages with the status of their report; None removes the mark."""
        for msg_id, status in statuses.items():
            line = self.find(msg_id)
            if line and line.report != status:
                self._replace(replace(line, report=status))

    def take_back(self, msg_ids: Iterable[int]) -> None:
        """Mark messages as deleted, and clear their text."""
        for msg_id in msg_ids:
            line = self.find(msg_id)
            if line and not line.taken_back:
                self._replace(replace(line, text="", taken_back=True, reactions=()))

    def edit(self, msg_id: int, text: str) -> None:
        """Replace the text of a message, unless it was deleted."""
        line = self.find(msg_id)
        if line and not line.taken_back:
            self._replace(replace(line, text=text, edited=True))

    def react(self, msg_id: int, reactions: tuple[ShownReaction, ...]) -> None:
        """Replace the reactions to a message."""
        if line := self.find(msg_id):
            self._replace(replace(line, reactions=reactions))

    def forget(self) -> None:
        """Remove all numbered messages: the server has started a new numbering."""
        left = [entry for entry in self._entries if not (isinstance(entry, Line) or is_gap(entry))]
        notices = len(left) - len(self._pending)
        self._splice(0, len(self._entries), left, [BEGINNING] * notices + [END] * len(self._pending))
        self.unread = self.mentions = self.read = self.last = 0
        self.covered.clear()
        self.requests.clear()
        self._gaps.clear()
        self.begin_new(-1)

    def shed(self, least: int) -> None:
        """Remove the oldest entries, of at least this weight; they can be requested from the server again."""
        gone, count = 0, 0
        for entry in self._entries[: len(self._entries) - len(self._pending)]:
            if gone >= least:
                break
            gone, count = gone + weight(entry), count + 1
        self._drop(count)
        first = self._keys[0] if self._keys else END
        self.covered.cut_below(first)
        self._gaps = {key for key in self._gaps if key >= first}

    def _drop(self, count: int) -> None:
        """Remove the first entries; they can be requested from the server again."""
        failed = {id(entry) for entry in self._entries[:count] if isinstance(entry, Pending)}
        self._failed = [each for each in self._failed if id(each) not in failed]
        self._splice(0, count, [], [])

    def _insert(self, entry: Entry) -> None:
        """Insert an entry without a number after all others but the pending ones."""
        at = len(self._entries) - len(self._pending)
        self._splice(at, 0, [entry], [self._keys[at - 1] if at else BEGINNING])

    def _pending_at(self, nonce: str | None) -> int:
        return len(self._entries) - len(self._pending) + list(self._pending).index(nonce or "")

    def _replace(self, line: Line) -> None:
        self._splice(self.position(line.msg_id), 1, [line], [line.msg_id])

    def _splice(self, at: int, removed: int, added: Sequence[Entry], keys: Sequence[float]) -> None:
        """Change the entries: all changes pass through here and are recorded, so that views need not compare them."""
        self._new_from = -1
        self._weight += sum(map(weight, added)) - sum(map(weight, self._entries[at : at + removed]))
        self._entries[at : at + removed] = added
        self._keys[at : at + removed] = keys
        self._changes.record(Change(at, removed, list(added)), self._entries)
