"""Paints a stack of blocks in a widget: in the look of its theme, with highlight, hover and selection."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, structs
from rich.segment import Segment
from rich.style import Style as Ink
from textual.content import Content
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from tui.fullscreen.timeline.blocks import EntryBlock
from tui.fullscreen.timeline.look import Look
from tui.fullscreen.timeline.scrolling import StackScroller
from tui.fullscreen.timeline.selection import MANY, Range, Spot, paint, range_of
from tui.fullscreen.timeline.stack import Stack
from tui.fullscreen.timeline.theme_look import look_of


class SelectedText(Struct):
    """The selected text, and how it is painted."""

    range: Range
    ink: Ink
    flag_at: int
    """The first cell of the flags, which are not selected."""


class StackPainter:
    """Returns the lines of the screen, and the look on which they depend."""

    def __init__(self, widget: Widget, scroller: StackScroller) -> None:
        self._widget, self._scroller = widget, scroller
        self.reports = False
        """True if the site accepts reports."""
        self.words: tuple[str, ...] = ()
        """The words by which a message names the user."""
        self.hues: Mapping[str, int] = {}
        """The hues of names."""
        self.placeholder = ""
        """The text shown in place of messages."""
        self.compact = False
        """True to show authors before the text instead of above it."""
        self._look: Look | None = None

    @property
    def look(self) -> Look:
        """The current look."""
        look, width = self._look, self._widget.size.width
        if look and (look.width, look.reports, look.words) == (width, self.reports, self.words):
            self._look = look if look.hues is self.hues else structs.replace(look, hues=self.hues)
        else:
            self._look = look_of(
                self._widget, reports=self.reports, compact=self.compact, words=self.words, hues=self.hues
            )
        return self._look

    def forget_look(self) -> None:
        """Read the look from the styles again when it is next needed."""
        self._look = None

    def lines(self, first: int, count: int, *, lit: int | None, hovered: int | None) -> list[Strip]:
        """Return lines of the view; `lit` is the highlighted block, `hovered` the one under the mouse."""
        stack, widget = self._scroller.stack, self._widget
        blank = Strip.blank(widget.size.width, widget.rich_style)
        if stack is None or not stack.height:
            strips = [blank] * count
            if 0 <= (middle := widget.size.height // 2 - first) < count:
                strips[middle] = self._placeholder_line(widget.size.width)
            return strips
        line = first + self._scroller.top - self._scroller.space_above
        strips = [blank] * min(count, max(0, -line))
        number, row = stack.at(max(0, line)) or (len(stack.entries), 0)
        selected = self._selected(stack)
        while len(strips) < count and number < len(stack.entries):
            if not stack.hides(stack.entries[number]):
                block = stack.block(number, lit=number == lit, hovered=number == hovered)
                rows = range(row, min(len(block.strips), row + count - len(strips)))
                plain = map(block.strips.__getitem__, rows)
                strips += _with_selection(block, number, rows, selected) if selected else plain
            number, row = number + 1, 0
        return [*strips, *[blank] * (count - len(strips))][:count]

    def range_of(self, stack: Stack, selection: Selection) -> Range:
        """Return the selected range; an end outside the widget counts as the edge of the view."""
        first = stack.at(self._scroller.top) or (0, 0)
        last = stack.at(self._scroller.top + self._scroller.page - 1) or (len(stack.entries), 0)
        return range_of(stack.timeline, selection, Spot(*first, 0), Spot(*last, MANY))

    def _selected(self, stack: Stack) -> SelectedText | None:
        selection = self._widget.text_selection
        if selection is None:
            return None
        ink = self._widget.screen.get_component_rich_style("screen--selection")
        return SelectedText(self.range_of(stack, selection), ink, self.look.flag_at)

    def _placeholder_line(self, width: int) -> Strip:
        text, plain = Content(self.placeholder).truncate(width), self._widget.rich_style
        left = " " * ((width - text.cell_length) // 2)
        style = plain + self._widget.get_component_rich_style("timeline--dim", partial=True)
        return Strip([Segment(left, plain), Segment(text.plain, style)]).adjust_cell_length(width, plain)


def _with_selection(block: EntryBlock, number: int, rows: range, selected: SelectedText) -> Iterable[Strip]:
    for row in rows:
        span = selected.range.span(number, row) if row >= block.head else None
        strip = block.strips[row]
        yield paint(strip, span, selected.flag_at, selected.ink) if span else strip
