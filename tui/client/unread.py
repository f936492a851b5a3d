"""Unread messages: counts after the last one that was on the screen, and the markers that the server stores."""

from collections.abc import Callable, Iterable, Sequence, Set

from msgspec import Struct, field

from server.protocol import target
from server.protocol.frames import MAX_UNREAD, PlaceEntry, Read
from tui.client.coverage import END
from tui.client.entries import Line
from tui.client.timeline import Timeline

Named = Callable[[str], bool]
"""Returns whether a text names the user."""


class Unseen(Struct, frozen=True):
    """Messages of others below what is on the screen."""

    count: int = 0
    mentions: int = 0


class MarkersToSend(Struct):
    """Read markers that the server does not have yet, by place."""

    _due: dict[str, Read] = field(default_factory=dict)

    def add(self, channel: str, msg_id: int, *, closed: bool = False) -> None:
        if msg_id:
            before = self._due.get(channel)
            self._due[channel] = Read(channel, msg_id, closed or (before is not None and before.closed))

    def drain(self) -> list[Read]:
        """Return the markers, and clear them."""
        due, self._due = [*self._due.values()], {}
        return due


def counts(line: Line, hidden: Set[str]) -> bool:
    """Return whether a message is unread until the user has seen it."""
    return not (line.mine or line.taken_back or line.author in hidden)


def unseen(timeline: Timeline, after: int, hidden: Set[str], named: Named) -> Unseen:
    """Count the messages of others after a number; the server's counts apply if some are not loaded."""
    if not timeline.covered.spans(after + 1, END):
        return Unseen(timeline.unread, timeline.mentions)
    lines = [each for each in timeline.after(after) if counts(each, hidden)]
    return Unseen(len(lines), sum(named(each.text) for each in lines))


def see(timeline: Timeline, msg_id: int, hidden: Set[str], named: Named) -> bool:
    """Record that everything up to a message was on the screen; return whether this changes anything."""
    if msg_id <= timeline.read:
        return False
    if timeline.covered.spans(msg_id + 1, END):
        left = unseen(timeline, msg_id, hidden, named)
        timeline.unread, timeline.mentions = left.count, left.mentions
    else:
        seen = [each for each in timeline.after(timeline.read) if each.msg_id <= msg_id and counts(each, hidden)]
        timeline.unread = max(0, timeline.unread - len(seen))
        timeline.mentions = max(0, timeline.mentions - sum(named(each.text) for each in seen))
    timeline.read = msg_id
    return True


def see_all(timeline: Timeline, last: int) -> bool:
    """Record that everything up to `last`, the last message, was seen; return whether this changes anything."""
    news = last > timeline.read or timeline.unread > 0
    timeline.read, timeline.unread, timeline.mentions = max(last, timeline.read), 0, 0
    return news


def apply_place(timeline: Timeline, entry: PlaceEntry, *, first: bool) -> None:
    """Apply the server's marker of a place: always after the first login, later only if no more was read here."""
    timeline.last = max(timeline.last, entry.last_id)
    # The server delivers all later messages.
    timeline.cover(entry.last_id + 1, END)
    if first or entry.read_id >= timeline.read:
        timeline.read, timeline.unread, timeline.mentions = entry.read_id, entry.unread, entry.mentions
        if first or timeline.new_from == 0:
            timeline.begin_new(entry.read_id if entry.unread else -1)


def by_importance(timelines: Iterable[Timeline], muted: Callable[[str], bool]) -> Sequence[Timeline]:
    """Return the places with unread messages: conversations and mentions first; of each kind, the oldest first."""
    unread = [each for each in timelines if each.unread and not muted(each.id)]
    return sorted(unread, key=lambda each: (not (target.is_conversation(each.id) or each.mentions), each.read))


def personal(timelines: Iterable[Timeline], muted: Callable[[str], bool]) -> int:
    """Return how many unread messages are addressed to the user."""
    return sum(
        each.unread if target.is_conversation(each.id) else each.mentions
        for each in timelines
        if each.unread and not muted(each.id)
    )


def shown_count(count: int) -> str:
    """Return a count as text; from MAX_UNREAD on, where the server stops counting, with a plus sign."""
    return str(count) if count < MAX_UNREAD else f"{MAX_UNREAD - 1}+"
