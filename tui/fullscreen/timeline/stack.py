"""A timeline as a stack of blocks: wrapped near the view, with estimated heights elsewhere."""

from collections.abc import Sequence, Set

from msgspec import structs

from tui.client.entries import Change, Entry, Line, Notice, Pending
from tui.client.timeline import MAX_LOOK_BACK, Timeline
from tui.fullscreen.timeline.blocks import EntryBlock, estimates, render
from tui.fullscreen.timeline.heights import Heights
from tui.fullscreen.timeline.look import Look

KEPT_BLOCKS = 2000
MANY_CHANGES = 8
"""With more changes than this, all heights are estimated again: each change in the middle costs O(n)."""


class Stack:
    """Blocks, numbered as the timeline's entries. Those of hidden people have no lines."""

    def __init__(self, timeline: Timeline, hidden: Set[str], look: Look) -> None:
        self.timeline = timeline
        self.hidden = hidden
        self.look = look
        self._blocks: dict[tuple[int, bool, bool], EntryBlock] = {}
        self._heights = Heights(self._estimates(timeline.entries, None))

    @property
    def count(self) -> int:
        """The number of blocks; the timeline may have more or fewer entries until `apply`."""
        return len(self._heights)

    @property
    def entries(self) -> Sequence[Entry]:
        return self.timeline.entries

    @property
    def height(self) -> int:
        """Total height in lines, partly estimated."""
        return self._heights.total

    def at(self, line: int) -> tuple[int, int] | None:
        """Return the block at a line, and the row within that block; None outside the stack."""
        if not 0 <= line < self.height:
            return None
        number = self._heights.at(line)
        return number, line - self.start(number)

    def start(self, number: int) -> int:
        """Return the first line of a block."""
        return self._heights.start(number)

    def end(self, number: int) -> int:
        """Return the line after a block."""
        return self.start(number) + self._heights[number]

    def apply(self, changes: Sequence[Change]) -> None:
        """Apply changes of the timeline."""
        if len(changes) > MANY_CHANGES:
            self._heights = Heights(self._estimates(self.entries, None))
            return
        for at, removed, added in changes:
            above = self.entries[at - 1] if 0 < at <= len(self.entries) else None
            self._heights.splice(at, removed, self._estimates(added, above))

    def restyle(self, look: Look) -> bool:
        """Set a new look; return whether it changes what has been drawn.

        If so, each block is rendered again when needed; until then, its old height is the estimate.
        """
        before, self.look = self.look, look
        if structs.replace(before, hues=look.hues) == look and not self._recoloured(before):
            return False
        self._blocks.clear()
        return True

    def _recoloured(self, before: Look) -> bool:
        """Return whether the author of a rendered block has another colour now."""
        entries = (block.entry for block in self._blocks.values())
        authors = {entry.author for entry in entries if not isinstance(entry, Notice)}
        return any(before.colour(author) != self.look.colour(author) for author in authors)

    def hides(self, entry: Entry) -> bool:
        """Return whether an entry is a message by a hidden person."""
        return isinstance(entry, Line) and not entry.mine and entry.author in self.hidden

    def block(self, number: int, *, lit: bool = False, hovered: bool = False) -> EntryBlock:
        """Return a block, rendered if necessary; this does not update its known height."""
        entry, (above, before) = self.entries[number], self._above(number)
        known = self._blocks.get((id(entry), lit, hovered))
        new = isinstance(entry, Line) and entry.msg_id == self.timeline.new_from
        # Entries are immutable, and the block references them, so comparing by identity is safe.
        if known and known.above is above and known.before is before and known.new == new:
            return known
        # Highlight and hover change only how a block is painted, so the lines of the plain block may be reused.
        other = self._blocks.get((id(entry), False, False))
        block = render(entry, self.look, above=above, before=before, new=new, lit=lit, hovered=hovered, wrapped=other)
        self._blocks[id(entry), lit, hovered] = block
        if len(self._blocks) > KEPT_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        return block

    def measure(self, number: int, *, above: int, below: int) -> None:
        """Render the blocks within `above` lines above and `below` lines below a block's start, and update heights."""
        at = number
        while at < len(self.entries) and below > 0:
            below -= self._measure(at)
            at += 1
        at = number - 1
        while at >= 0 and above > 0:
            above -= self._measure(at)
            at -= 1

    def step(self, number: int, by: int) -> tuple[int, int]:
        """Move `by` visible messages from a block; return the block reached, and the steps left over at an end."""
        at, sign = number, 1 if by > 0 else -1
        left = abs(by)
        while left and 0 <= (at := at + sign) < len(self.entries):
            entry = self.entries[at]
            if isinstance(entry, Line) and not self.hides(entry):
                number, left = at, left - 1
        return number, left

    def _measure(self, number: int) -> int:
        height = 0 if self.hides(self.entries[number]) else len(self.block(number).strips)
        if height != self._heights[number]:
            self._heights.put(number, height)
        return height

    def _above(self, number: int) -> tuple[Entry | None, Line | Pending | None]:
        """Return the visible entry above a block, and the previous message."""
        above: Entry | None = None
        for at in range(number - 1, max(-1, number - 1 - MAX_LOOK_BACK), -1):
            entry = self.entries[at]
            if self.hides(entry):
                continue
            above = above or entry
            if not isinstance(entry, Notice):
                return above, entry
        return above, None

    def _estimates(self, entries: Sequence[Entry], above: Entry | None) -> list[int]:
        heights = estimates(entries, above, self.look)
        if self.hidden:
            return [0 if self.hides(entry) else height for entry, height in zip(entries, heights, strict=True)]
        return heights


def moved(number: int, changes: Sequence[Change]) -> int:
    """Return the number of a block after changes; if it was removed, the number of its replacement."""
    for at, removed, added in changes:
        if at + removed <= number:
            number += len(added) - removed
        elif at <= number:
            number = min(number, at + max(0, len(added) - 1))
    return number
