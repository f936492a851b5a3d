"""The widget that shows a stack of blocks: layout, scrolling, painting and mouse selection."""

import gc
from collections.abc import Set
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from textual import events, on
from textual.content import Content
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from tui.client.timeline import Timeline
from tui.fullscreen.timeline.blocks import FLAG_CELLS, LEFT_CELLS, EntryBlock, Look, Styles
from tui.fullscreen.timeline.selection import ABOVE, MANY, Range, Spot, paint, place, spot, text_of
from tui.fullscreen.timeline.stack import Stack, moved
from tui.times import written_in

BAR_STEPS = 8
"""The scrollbar is drawn in eighths of a cell."""
FREEZE_AFTER = 10_000
"""Freeze the heap after so many messages: a full garbage collection takes time for every object not frozen."""


class StackView(ScrollView):
    """Shows one timeline; `TimelineView` adds the actions on messages."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timeline--text", "timeline--dim", "timeline--code", "timeline--link", "timeline--good", "timeline--bad",
        "timeline--flag", "timeline--highlight",
    }  # fmt: skip

    class OlderWanted(Message):
        """The view reached the first message that is loaded."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._timeline = Timeline("", "")
        self._hidden: Set[str] = frozenset()
        self._reports = False
        self._placeholder = ""
        self._look: Look | None = None
        self._compact = False
        self._stack: Stack | None = None
        self._follows = True
        """True while the view stays at the end when entries are added."""
        self._settles = False
        """True while this widget scrolls itself, over blocks that are wrapped already."""
        self._bar = (0, 0)
        self._frozen = 0

    @property
    def follows(self) -> bool:
        """True while the view is at the end, where new messages appear."""
        return self._follows

    def _lay_out(self) -> None:
        """Update the stack from the timeline, without moving what the user is looking at."""
        if self.size.width <= LEFT_CELLS + FLAG_CELLS:
            # The first paint can precede the first Resize.
            return
        look, changes = self._take_look(), self._timeline.take_changes()
        before = self._stack if self._stack and self._stack.timeline is self._timeline else None
        top = before.at(self.scroll_offset.y) if before and not self._follows else None
        changed = bool(changes)
        if before and before.hidden == self._hidden:
            before.apply(changes)
            if before.look != look:
                before.restyle(look)
                changed = True
        else:
            self._stack, changed = Stack(self._timeline, self._hidden, look), True
        self._freeze()
        self._scroll_into_place((moved(top[0], changes), top[1]) if top else None)
        if changed:
            self.refresh()

    def _scroll_into_place(self, top: tuple[int, int] | None) -> None:
        """Wrap the view and a page around it; then scroll `top`, a row of a block, to the top, or to the end."""
        stack = self._stack
        if stack is None:
            return
        page = self.size.height
        if top is None:
            stack.measure(len(stack.entries), above=2 * page, below=0)
        else:
            stack.measure(top[0], above=page, below=2 * page)
        if stack.height != self.virtual_size.height:
            # Setting it normally would lay out the whole screen again.
            self.set_reactive(ScrollView.virtual_size, Size(self.size.width, stack.height))
        line = self.max_scroll_y
        if top:
            line = min(line, stack.start(top[0]) + min(top[1], max(0, stack.end(top[0]) - stack.start(top[0]) - 1)))
        self._settles = True
        self._scroll(line)
        self._settles = False
        self._move_bar()

    def _move_bar(self) -> None:
        """Update the scrollbar; redraw it only if the difference is visible."""
        bar, height, page = self.vertical_scrollbar, max(1, self.virtual_size.height), self.size.height
        bar.set_reactive(ScrollBar.window_virtual_size, self.virtual_size.height)
        bar.set_reactive(ScrollBar.position, self.scroll_y)
        drawn = (round(self.scroll_y * page * BAR_STEPS / height), round(page * page * BAR_STEPS / height))
        if drawn != self._bar:
            self._bar = drawn
            bar.refresh()

    def _scroll(self, line: int) -> None:
        self.scroll_to(y=line, animate=False, immediate=True, force=True)

    def _freeze(self) -> None:
        if not self._frozen <= len(self._timeline.entries) < self._frozen + FREEZE_AFTER:
            self._frozen = len(self._timeline.entries)
            if self._frozen >= FREEZE_AFTER:
                gc.freeze()

    def _take_look(self) -> Look:
        if self._look and (self._look.width, self._look.reports) == (self.size.width, self._reports):
            return self._look
        names = ("text", "dim", "code", "link", "good", "bad", "flag")
        styles, under = Styles(*map(self._style, names)), self.background_colors[1]
        lit = self.get_component_rich_style("timeline--highlight")
        self._look = Look(
            self.size.width, styles, self.rich_style, lit, self._reports, under, self._compact, written_in()
        )
        return self._look

    def _style(self, name: str) -> Style:
        style = self.get_visual_style(f"timeline--{name}", partial=True)
        if style.foreground and style.foreground.a < 1:
            style = replace(style, foreground=self.background_colors[1] + style.foreground)
        # A transparent background would be drawn black and hide the highlight.
        return replace(style, background=None) if style.background and style.background.is_transparent else style

    def notify_style_update(self) -> None:
        """Repaint in the new theme."""
        super().notify_style_update()
        self.restyle(compact=self._compact)

    def restyle(self, *, compact: bool) -> None:
        """Repaint with authors before the text (compact) or above it, and with the current format of times."""
        self._look, self._compact = None, compact
        if self._stack:
            self.call_later(self._lay_out)

    @property
    def _lit(self) -> int | None:
        """The number of the highlighted block."""
        return None

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return lines of the screen from rendered blocks; Textual's own way, `render_line`, would copy each."""
        strips = self._painted(crop.y, crop.height)
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        whole = crop.column_span == (0, self.size.width)
        return strips if whole else [strip.crop(*crop.column_span) for strip in strips]

    def _painted(self, first: int, count: int) -> list[Strip]:
        stack, width = self._stack, self.size.width
        blank = Strip.blank(width, self.rich_style)
        if stack is None or not stack.height:
            strips = [blank] * count
            if 0 <= (middle := self.size.height // 2 - first) < count:
                strips[middle] = self._placeholder_line(width)
            return strips
        line = first + self.scroll_offset.y - self._space_above
        strips = [blank] * min(count, max(0, -line))
        number, row = stack.at(max(0, line)) or (len(stack.entries), 0)
        lit = self._lit
        chosen = self._range(stack, selection) if (selection := self.text_selection) else None
        while len(strips) < count and number < len(stack.entries):
            if not stack.hides(stack.entries[number]):
                block = stack.block(number, lit=number == lit)
                strips += (self._marked(block, number, chosen) if chosen else block.strips)[row:]
            number, row = number + 1, 0
        return [*strips, *[blank] * (count - len(strips))][:count]

    def _marked(self, block: EntryBlock, number: int, chosen: Range) -> list[Strip]:
        """Return the lines of a block with the selection painted."""
        ink = self.screen.get_component_rich_style("screen--selection")
        spans = [chosen.span(number, row) if row >= block.head else None for row in range(len(block.strips))]
        return [paint(strip, span, ink) if span else strip for strip, span in zip(block.strips, spans, strict=True)]

    def _placeholder_line(self, width: int) -> Strip:
        text = Content(self._placeholder).truncate(width)
        left = " " * ((width - text.cell_length) // 2)
        style = self.rich_style + self.get_component_rich_style("timeline--dim", partial=True)
        return Strip([Segment(left, self.rich_style), Segment(text.plain, style)]).adjust_cell_length(
            width, self.rich_style
        )

    @property
    def _space_above(self) -> int:
        """Blank lines above, if there are too few messages to fill the view."""
        return max(0, self.size.height - self._stack.height) if self._stack else 0

    @property
    def allow_select(self) -> bool:
        """True if there is text to select."""
        return self._stack is not None and self._stack.height > 0

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen with the offsets by which Textual finds the ends of a selection."""
        strip = self._painted(y, 1)[0]
        if self._stack is None:
            return strip
        found = self._stack.at(y + self.scroll_offset.y - self._space_above)
        return strip.apply_offsets(-LEFT_CELLS, place(self._timeline, *found) if found else ABOVE)

    def _range(self, stack: Stack, chosen: Selection) -> Range:
        """Return the selected range; an end outside this widget counts as the edge of the view."""
        first = stack.at(self.scroll_offset.y) or (0, 0)
        last = stack.at(self.scroll_offset.y + self.size.height - 1) or (len(stack.entries), 0)
        return Range(
            spot(self._timeline, chosen.start) if chosen.start is not None else Spot(*first, 0),
            spot(self._timeline, chosen.end) if chosen.end is not None else Spot(*last, MANY),
        )

    def select_block(self, number: int) -> None:
        """Select a message, with its author if that is shown."""
        if self._stack:
            block = self._stack.block(number)
            start, end = (place(self._timeline, number, row) for row in (block.head, len(block.strips) - 1))
            self.screen.selections = {self: Selection(Offset(0, start), Offset(MANY, end))}

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text, and its separator from that of the next widget."""
        return (text_of(self._stack, self._range(self._stack, selection)), "\n") if self._stack else None

    def _select_none(self) -> None:
        if self.text_selection:
            self.screen.clear_selection()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end while the view is there; request older messages at the beginning."""
        self.refresh()
        self._follows = new_value >= self.max_scroll_y
        # Leave a movement of less than a line alone: rounding it to a whole line would undo slow scrolling.
        if self._stack and not self._settles and round(old_value) != round(new_value):
            self._scroll_into_place(None if self._follows else self._stack.at(round(new_value)))
        if new_value <= 0 < old_value:
            self.post_message(self.OlderWanted())

    @on(events.Resize)
    def _wrap_again(self) -> None:
        """Wrap for the new width; drop the selection, which would refer to other characters."""
        self._select_none()
        self._lay_out()
