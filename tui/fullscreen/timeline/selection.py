"""Mouse selection in a timeline: positions that stay valid as it grows, how they are painted, and the selected text."""

from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as Ink
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from tui.client.coverage import BEGINNING, END
from tui.client.timeline import Timeline
from tui.fullscreen.timeline.look import LEFT_CELLS
from tui.fullscreen.timeline.stack import Stack
from tui.fullscreen.timeline.wrapping import copied

MANY = 1 << 20
"""More than the lines of a block, the characters of a line, or the notices after one message."""
ABOVE = -(1 << 90)
"""The position of everything above the first message."""
_NUMBERS = 1 << 62


class Spot(NamedTuple):
    """A block number, a row in it and a character in that row; negative in the margin left of the text."""

    number: int
    row: int
    at: int


class Range(NamedTuple):
    """The text from `start` up to, but not including, `end`."""

    start: Spot
    end: Spot

    def span(self, number: int, row: int) -> tuple[int, int] | None:
        """Return the first selected character of a row and the one after the last; None if nothing is selected."""
        if not self.start[:2] <= (number, row) <= self.end[:2]:
            return None
        start = max(0, self.start.at) if self.start[:2] == (number, row) else 0
        return start, max(0, self.end.at) if self.end[:2] == (number, row) else MANY


def place(timeline: Timeline, number: int, row: int) -> int:
    """Return a row of a block as one number that grows downwards and stays valid when other blocks change.

    Textual stores such numbers as the ends of a selection, and compares them.
    """
    key = timeline.key(number)
    behind = number - timeline.position(key)
    return (round(max(-_NUMBERS, min(_NUMBERS, key))) * MANY + behind) * MANY + row


def spot(timeline: Timeline, offset: Offset) -> Spot:
    """Return the current spot of a selection's end, whose `offset.y` is from `place`."""
    if offset.y == ABOVE:
        return Spot(0, 0, 0)
    rest, row = divmod(offset.y, MANY)
    known, behind = divmod(rest, MANY)
    key = {-_NUMBERS: BEGINNING, _NUMBERS: END}.get(known, known)
    return Spot(timeline.position(key) + behind, row, offset.x)


def range_of(timeline: Timeline, chosen: Selection, first: Spot, last: Spot) -> Range:
    """Return the selected range; an end outside the timeline counts as the first or last spot of the view."""
    return Range(
        spot(timeline, chosen.start) if chosen.start is not None else first,
        spot(timeline, chosen.end) if chosen.end is not None else last,
    )


def paint(strip: Strip, span: tuple[int, int], flag_at: int, ink: Ink) -> Strip:
    """Paint the selected characters of a row; its flag is at `flag_at`."""
    _, text, _ = strip.divide([LEFT_CELLS, flag_at, strip.cell_length])
    words = text.text.rstrip()
    start, end = (LEFT_CELLS + cell_len(words[:at]) for at in span)
    if start >= end:
        return strip
    before, chosen, behind = strip.divide([start, end, strip.cell_length])
    return Strip.join([before, Strip(Segment.apply_style(chosen, post_style=ink), chosen.cell_length), behind])


def text_of(stack: Stack, chosen: Range) -> str:
    """Return the selected text without margin and flags, and without line breaks where a line is only wrapped."""
    parts: list[str] = []
    for number in range(chosen.start.number, min(chosen.end.number + 1, len(stack.entries))):
        if stack.hides(stack.entries[number]):
            continue
        block = stack.block(number)
        for row, line in enumerate(block.lines, block.head):
            if span := chosen.span(number, row):
                parts += ["\n" if row == block.head and row else "", line.gap, copied(line.row, *span)]
    return "".join(parts[2:])
