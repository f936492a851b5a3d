"""Layout and scrolling of a stack of blocks in a widget: what the user looks at stays where it is."""

import gc
from collections.abc import Set

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar

from tui.client.coverage import BEGINNING, END
from tui.client.entries import Line, is_gap
from tui.client.timeline import Timeline
from tui.fullscreen.timeline.look import Look
from tui.fullscreen.timeline.stack import Stack, moved
from tui.fullscreen.widgets.widget_messages import PageWanted

BAR_STEPS = 8
"""The scrollbar is drawn in eighths of a cell."""
FREEZE_AFTER = 10_000
"""Freeze the heap each time this many messages are added: a full garbage collection visits all unfrozen objects."""


class StackScroller:
    """Lays out and scrolls one timeline in a widget, and posts `PageWanted` for messages missing in the view."""

    def __init__(self, widget: ScrollView) -> None:
        self._widget = widget
        self.timeline = Timeline("", "")
        self.hidden: Set[str] = frozenset()
        """The people whose messages are not shown."""
        self.stack: Stack | None = None
        self.follows = True
        """True while the view stays at the end when entries are added."""
        self.holds = False
        """True while the view follows the end only until the first new message would leave the screen."""
        self._settles = False
        """True while `scroll_into_place` scrolls the widget, over blocks that are wrapped already."""
        self._gap_in_view: int | None = None
        """The last block in the view that represents missing messages, as of the last layout."""
        self._new_from = 0
        self._bar = (0, 0)
        self._frozen = 0

    # The view.

    @property
    def top(self) -> int:
        """The line of the stack at the top of the view."""
        return self._widget.scroll_offset.y

    @property
    def page(self) -> int:
        """The height of the view in lines."""
        return self._widget.size.height

    @property
    def space_above(self) -> int:
        """The number of blank lines above the messages if these are too few to fill the view; otherwise 0."""
        return max(0, self.page - self.stack.height) if self.stack else 0

    def at(self, y: int) -> tuple[int, int] | None:
        """Return the block at a line of the view, and the row within it; None outside the stack."""
        return self.stack.at(y + self.top - self.space_above) if self.stack else None

    @property
    def seen(self) -> tuple[int, int]:
        """The numbers of the first and the last message in the view; 0 for none."""
        stack = self.stack
        if stack is None or not stack.height or not self.page:
            return 0, 0
        top = stack.at(self.top) or (0, 0)
        bottom = self.at(self.page - 1)
        last = len(stack.entries) - 1
        if bottom:
            # Only the blank line or the day above a message may be in the view.
            last = bottom[0] - (bottom[1] < stack.block(bottom[0]).head)
        lines = [each.msg_id for each in stack.entries[top[0] : last + 1] if isinstance(each, Line)]
        return (lines[0], lines[-1]) if lines else (0, 0)

    def refresh_message(self, msg_id: int) -> None:
        """Redraw a message, if it is loaded."""
        if self.stack and self.timeline.find(msg_id):
            number = self.timeline.position(msg_id)
            start = self.stack.start(number)
            self._widget.refresh_lines(start + self.space_above, self.stack.end(number) - start)

    # Layout.

    def lay_out(self, look: Look) -> None:
        """Update the stack from the timeline, without moving what the user is looking at."""
        changes = self.timeline.pop_changes()
        before = self.stack if self.stack and self.stack.timeline is self.timeline else None
        top, below = self._anchor(before) if before and not self.follows else (None, 0)
        changed = bool(changes) or self.timeline.new_from != self._new_from
        self._new_from = self.timeline.new_from
        if before and before.hidden == self.hidden:
            before.apply(changes)
            changed = (before.look is not look and before.restyle(look)) or changed
        else:
            self.stack, changed = Stack(self.timeline, self.hidden, look), True
        self._freeze()
        self.scroll_into_place((moved(top[0], changes), top[1]) if top else None, below)
        if changed:
            self._widget.refresh()

    def _anchor(self, stack: Stack) -> tuple[tuple[int, int] | None, int]:
        """Return the row that stays where it is, and its line in the view: the top, or what follows a gap above.

        The numbers are those of the last layout: the timeline has changed since.
        """
        gap = self._gap_in_view
        if gap is None or gap + 1 >= stack.count or self._is_below(stack, gap):
            return stack.at(self.top), 0
        return (gap + 1, 0), stack.start(gap + 1) - self.top

    def _gap(self, stack: Stack) -> int | None:
        """Return the last block in the view that represents missing messages."""
        first, last = stack.at(self.top), stack.at(self.top + self.page - 1)
        # The timeline may have lost entries since the last layout.
        end = min(last[0] if last else stack.count - 1, len(stack.entries) - 1)
        numbers = range(end, first[0] - 1 if first else -1, -1)
        return next((each for each in numbers if is_gap(stack.entries[each])), None)

    def _is_below(self, stack: Stack, number: int) -> bool:
        """Return whether a block is in the lower half of the view, so that the user looks at what is above it."""
        line = stack.start(number) - self.top + self.space_above
        return not self.follows and line > self.page // 2

    def _freeze(self) -> None:
        if not self._frozen <= len(self.timeline.entries) < self._frozen + FREEZE_AFTER:
            self._frozen = len(self.timeline.entries)
            if self._frozen >= FREEZE_AFTER:
                gc.freeze()

    # Scrolling.

    def show_new(self) -> None:
        """Scroll to the first new message."""
        if self.stack and self.timeline.new_from:
            self.scroll_into_place((self.timeline.position(self.timeline.new_from), 0))

    def show_latest(self) -> None:
        """Scroll to the end, and follow it."""
        self.holds = False
        self.scroll_into_place(None)

    def bring_into_view(self, msg_id: int) -> None:
        """Wrap the blocks around a message, and scroll as far as necessary to show it."""
        if self.stack:
            number = self.timeline.position(msg_id)
            self.stack.measure(number, above=self.page, below=self.page)
            start, end = self.stack.start(number), self.stack.end(number)
            if start < self.top:
                self.scroll_into_place((number, 0))
            elif end > self.top + self.page:
                self.scroll_into_place(self.stack.at(end - self.page))

    def scroll_into_place(self, top: tuple[int, int] | None, below: int = 0) -> None:
        """Wrap the view and a page around it; scroll to the end, or to (block, row), `below` lines down the view."""
        stack = self.stack
        if stack is None:
            return
        if top is None:
            stack.measure(len(stack.entries), above=2 * self.page, below=0)
        else:
            stack.measure(top[0], above=self.page, below=2 * self.page)
        if stack.height != self._widget.virtual_size.height:
            # Setting it normally would lay out the whole screen again.
            self._widget.set_reactive(ScrollView.virtual_size, Size(self._widget.size.width, stack.height))
        line = self._line_of(stack, top, below)
        self._settles = True
        self.scroll_to_line(int(line))
        self._settles = False
        if top is None:
            self.follows = line >= self._widget.max_scroll_y
        self._move_bar()
        self.want_missing()

    def _line_of(self, stack: Stack, top: tuple[int, int] | None, below: int) -> float:
        """Return the line to scroll to: that of (block, row), of the first new message if it must stay, or the end."""
        line: float = self._widget.max_scroll_y
        if top:
            row = min(top[1], max(0, stack.end(top[0]) - stack.start(top[0]) - 1))
            return min(line, max(0, stack.start(top[0]) + row - below))
        if self.holds and self.timeline.new_from:
            number = self.timeline.position(self.timeline.new_from)
            stack.measure(number, above=0, below=self.page)
            return min(line, stack.start(number))
        return line

    def scroll_to_line(self, line: float) -> None:
        """Scroll to a line at once."""
        self._widget.scroll_to(y=line, animate=False, immediate=True, force=True)

    def scrolled(self, before: float, now: float) -> None:
        """Update after scrolling: follow the end while the view is there, and request what is missing."""
        # The end of what is loaded is not always where new messages appear.
        self.follows = now >= self._widget.max_scroll_y and self.timeline.covered.holds(END)
        # Leave a movement of less than a line alone: rounding it to a whole line would undo slow scrolling.
        if self.stack and not self._settles and round(before) != round(now):
            self.scroll_into_place(None if self.follows else self.stack.at(round(now)))
        if now <= 0 < before:
            self.want_older()
        if not self._settles:
            self.want_missing(scrolled=True)

    def want_older(self) -> None:
        """Request messages older than the first one."""
        self._widget.post_message(PageWanted(BEGINNING, scrolled=True))

    def want_missing(self, *, scrolled: bool = False) -> None:
        """Request the messages that are missing in the view."""
        stack = self.stack
        self._gap_in_view = gap = self._gap(stack) if stack and stack.height else None
        if stack and gap is not None:
            low, forward = self.timeline.key(gap), self._is_below(stack, gap)
            self._widget.post_message(PageWanted(low, forward=forward, scrolled=scrolled))

    def _move_bar(self) -> None:
        """Update the scrollbar; redraw it only if the difference is visible."""
        widget = self._widget
        bar, height, page = widget.vertical_scrollbar, max(1, widget.virtual_size.height), self.page
        bar.set_reactive(ScrollBar.window_virtual_size, widget.virtual_size.height)
        bar.set_reactive(ScrollBar.position, widget.scroll_y)
        drawn = (round(widget.scroll_y * page * BAR_STEPS / height), round(page * page * BAR_STEPS / height))
        if drawn != self._bar:
            self._bar = drawn
            bar.refresh()
