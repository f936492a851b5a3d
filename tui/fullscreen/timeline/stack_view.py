"""The widget that shows a stack of blocks: layout, scrolling, painting and mouse selection."""

import gc
from collections.abc import Mapping, Set
from dataclasses import replace
from typing import ClassVar

from msgspec import structs
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

from tui.client.coverage import BEGINNING, END
from tui.client.entries import Line, is_gap
from tui.client.timeline import Timeline
from tui.fullscreen.timeline.blocks import EntryBlock
from tui.fullscreen.timeline.look import FLAG_CELLS, LEFT_CELLS, Look, Styles
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
        "timeline--flag", "timeline--highlight", "timeline--named",
    }  # fmt: skip

    class PageWanted(Message):
        """A gap after a message number is near the view; `forward`: it is below what the user is looking at."""

        def __init__(self, low: float, *, forward: bool = False, scrolled: bool = False) -> None:
            """`scrolled`: the user scrolled there."""
            super().__init__()
            self.low, self.forward, self.scrolled = low, forward, scrolled

    class Scrolled(Message):
        """Other messages are on the screen."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._timeline = Timeline("", "")
        self._hidden: Set[str] = frozenset()
        self._reports = False
        self._words: tuple[str, ...] = ()
        self._hues: Mapping[str, int] = {}
        self._hovered = 0
        """The number of the message below the mouse; 0 for none."""
        self._placeholder = ""
        self._look: Look | None = None
        self._compact = False
        self._stack: Stack | None = None
        self._follows = True
        """True while the view stays at the end when entries are added."""
        self._holds = False
        """True while the view follows only as far as the first new message stays on the screen."""
        self._settles = False
        """True while this widget scrolls itself, over blocks that are wrapped already."""
        self._gap_in_view: int | None = None
        """The last block in the view that stands for missing messages, as of the last layout."""
        self._new_from = 0
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
        top, below = self._anchor(before) if before and not self._follows else (None, 0)
        changed = bool(changes) or self._timeline.new_from != self._new_from
        self._new_from = self._timeline.new_from
        if before and before.hidden == self._hidden:
            before.apply(changes)
            changed = (before.look is not look and before.restyle(look)) or changed
        else:
            self._stack, changed = Stack(self._timeline, self._hidden, look), True
        self._freeze()
        self._scroll_into_place((moved(top[0], changes), top[1]) if top else None, below)
        if changed:
            self.refresh()

    def _anchor(self, stack: Stack) -> tuple[tuple[int, int] | None, int]:
        """Return the row that stays where it is, and its line in the view: the top, or what follows a gap above.

        The numbers are those of the last layout: the timeline has changed since.
        """
        gap = self._gap_in_view
        if gap is None or gap + 1 >= stack.count or self._is_below(stack, gap):
            return stack.at(self.scroll_offset.y), 0
        return (gap + 1, 0), stack.start(gap + 1) - self.scroll_offset.y

    def _gap(self, stack: Stack) -> int | None:
        """Return the last block in the view that stands for missing messages."""
        first, last = stack.at(self.scroll_offset.y), stack.at(self.scroll_offset.y + self.size.height - 1)
        # The timeline may have lost entries since the last layout.
        end = min(last[0] if last else stack.count - 1, len(stack.entries) - 1)
        numbers = range(end, first[0] - 1 if first else -1, -1)
        return next((each for each in numbers if is_gap(stack.entries[each])), None)

    def _is_below(self, stack: Stack, number: int) -> bool:
        """Return whether a block is in the lower half of the view, so that the user looks at what is above it."""
        line = stack.start(number) - self.scroll_offset.y + self._space_above
        return not self._follows and line > self.size.height // 2

    def _want_missing(self, *, scrolled: bool = False) -> None:
        """Request the messages that are missing in the view."""
        stack = self._stack
        self._gap_in_view = gap = self._gap(stack) if stack and stack.height else None
        if stack and gap is not None:
            low, forward = self._timeline.key(gap), self._is_below(stack, gap)
            self.post_message(self.PageWanted(low, forward=forward, scrolled=scrolled))

    @property
    def seen(self) -> tuple[int, int]:
        """The first and the last message in the view; 0 for none."""
        stack = self._stack
        if stack is None or not stack.height or not self.size.height:
            return 0, 0
        top = stack.at(self.scroll_offset.y) or (0, 0)
        bottom = stack.at(self.scroll_offset.y + self.size.height - self._space_above - 1)
        last = len(stack.entries) - 1
        if bottom:
            # Only the blank line or the day above a message may be in the view.
            last = bottom[0] - (bottom[1] < stack.block(bottom[0]).head)
        lines = [each.msg_id for each in stack.entries[top[0] : last + 1] if isinstance(each, Line)]
        return (lines[0], lines[-1]) if lines else (0, 0)

    def show_new(self) -> None:
        """Scroll to the first new message."""
        if self._stack and self._timeline.new_from:
            self._scroll_into_place((self._timeline.position(self._timeline.new_from), 0))

    def show_latest(self) -> None:
        """Scroll to the end, and follow it."""
        self._holds = False
        self._scroll_into_place(None)

    def _scroll_into_place(self, top: tuple[int, int] | None, below: int = 0) -> None:
        """Wrap the view and a page around it; scroll to the end, or to (block, row), `below` lines down the view."""
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
        line: float = self.max_scroll_y
        if top:
            row = min(top[1], max(0, stack.end(top[0]) - stack.start(top[0]) - 1))
            line = min(line, max(0, stack.start(top[0]) + row - below))
        elif self._holds and self._timeline.new_from:
            number = self._timeline.position(self._timeline.new_from)
            stack.measure(number, above=0, below=page)
            line = min(line, stack.start(number))
        self._settles = True
        self._scroll(int(line))
        self._settles = False
        if top is None:
            self._follows = line >= self.max_scroll_y
        self._move_bar()
        self._want_missing()

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
        look = self._look
        if look and (look.width, look.reports, look.words) == (self.size.width, self._reports, self._words):
            self._look = look if look.hues is self._hues else structs.replace(look, hues=self._hues)
            return self._look
        names = ("text", "dim", "code", "link", "good", "bad", "flag", "named")
        styles, under = Styles(*map(self._style, names)), self.background_colors[1]
        lit, named = (self.get_component_rich_style(f"timeline--{name}") for name in ("highlight", "named"))
        if under.ansi is not None:
            # With the terminal's own colours no tint is possible; the mark in the margin has to suffice.
            named = self.rich_style
        self._look = Look(
            width=self.size.width,
            styles=styles,
            plain=self.rich_style,
            lit=lit,
            named=named,
            reports=self._reports,
            background=under,
            compact=self._compact,
            words=self._words,
            hours=written_in(),
            hues=self._hues,
        )
        return self._look

    def _style(self, name: str) -> Style:
        style = self.get_visual_style(f"timeline--{name}", partial=True)
        if style.foreground and style.foreground.a < 1:
            style = replace(style, foreground=self.background_colors[1] + style.foreground)
        # Textual's partial style has no background; and a transparent one would be drawn black and hide the highlight.
        own = self.get_component_styles(f"timeline--{name}").background
        return replace(style, background=None if own.is_transparent else self.background_colors[1] + own)

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
        hovered = self._timeline.position(self._hovered) if self._hovered else None
        chosen = self._range(stack, selection) if (selection := self.text_selection) else None
        while len(strips) < count and number < len(stack.entries):
            if not stack.hides(stack.entries[number]):
                block = stack.block(number, lit=number == lit, hovered=number == hovered)
                seen = range(row, min(len(block.strips), row + count - len(strips)))
                strips += self._marked(block, number, seen, chosen) if chosen else map(block.strips.__getitem__, seen)
            number, row = number + 1, 0
        return [*strips, *[blank] * (count - len(strips))][:count]

    def _marked(self, block: EntryBlock, number: int, seen: range, chosen: Range) -> list[Strip]:
        """Return these lines of a block with the selection painted."""
        ink = self.screen.get_component_rich_style("screen--selection")
        flag_at = self._take_look().flag_at
        spans = {row: chosen.span(number, row) for row in seen if row >= block.head}
        return [
            paint(block.strips[row], span, flag_at, ink) if (span := spans.get(row)) else block.strips[row]
            for row in seen
        ]

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
        # The end of what is loaded is not always where new messages appear.
        self._follows = new_value >= self.max_scroll_y and self._timeline.covered.holds(END)
        # Leave a movement of less than a line alone: rounding it to a whole line would undo slow scrolling.
        if self._stack and not self._settles and round(old_value) != round(new_value):
            self._scroll_into_place(None if self._follows else self._stack.at(round(new_value)))
        if new_value <= 0 < old_value:
            self.post_message(self.PageWanted(BEGINNING, scrolled=True))
        if not self._settles:
            self._want_missing(scrolled=True)
        self.post_message(self.Scrolled())

    @on(events.Resize)
    def _wrap_again(self) -> None:
        """Wrap for the new width; drop the selection, which would refer to other characters."""
        self._select_none()
        self._lay_out()
        self.post_message(self.Scrolled())
