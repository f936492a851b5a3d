"""The timeline widget: paints the messages of a channel, highlights one by key or mouse, and selects text."""

from collections.abc import Mapping, Set
from typing import ClassVar

from textual import events, on
from textual.content import Content
from textual.geometry import Offset, Region
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from server.protocol import name_text
from tui.client.entries import Entry, Line
from tui.client.timeline import Timeline
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.timeline.allowed import CONDITIONS, Offers, allows
from tui.fullscreen.timeline.entry_rows import EMOJI
from tui.fullscreen.timeline.highlight import Highlight
from tui.fullscreen.timeline.look import FLAG_CELLS, LEFT_CELLS
from tui.fullscreen.timeline.painting import StackPainter
from tui.fullscreen.timeline.scrolling import StackScroller
from tui.fullscreen.timeline.selection import ABOVE, MANY, place, text_of
from tui.fullscreen.timeline.theme_look import COMPONENTS
from tui.fullscreen.widgets.widget_messages import BackToWriting, Marked, ReactionClicked, TimelineScrolled


class TimelineView(ScrollView, can_focus=True):
    """Shows one timeline and its highlight; the actions on the highlighted message belong to the screen."""

    WHERE = Where.MESSAGES
    BINDINGS = bindings(WHERE)
    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    # Focusing highlights and scrolls to the latest message, before the click is handled.
    FOCUS_ON_CLICK = False

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._scroller = StackScroller(self)
        self._painter = StackPainter(self, self._scroller)
        self._highlight = Highlight(self._scroller)
        self._offers = Offers()
        self._hovered = 0
        """The number of the message below the mouse; 0 for none."""
        self._who = ""
        """The names of the people who added the reaction under the mouse."""
        self._available: tuple[bool, ...] = ()
        """The availability of actions when the footer was last drawn."""

    # What is shown.

    def show_timeline(
        self,
        timeline: Timeline,
        hidden: Set[str],
        offers: Offers,
        *,
        placeholder: str,
        away: bool = False,
        words: tuple[str, ...] = (),
        hues: Mapping[str, int] | None = None,
    ) -> None:
        """Draw a timeline without the messages of hidden people.

        `away`: the user is looking elsewhere; `words`: the words that name the user; `hues`: the hues of names.
        """
        if opened := timeline is not self._scroller.timeline:
            self._highlight.clear()
            self._scroller.follows = True
            self._select_none()
        self._scroller.holds = away or opened
        if placeholder != self._painter.placeholder:
            self.refresh()
        self._offers, self._painter.reports = offers, offers.reports
        self._painter.words, self._painter.hues, self._painter.placeholder = words, hues or {}, placeholder
        self._scroller.timeline, self._scroller.hidden = timeline, frozenset(hidden)
        self._lay_out()
        if self._highlight.msg_id and not self.highlighted:
            self._highlight_near()
        self._refresh_keys()

    def _lay_out(self) -> None:
        # The first paint can precede the first Resize.
        if self.size.width > LEFT_CELLS + FLAG_CELLS:
            self._scroller.lay_out(self._painter.look)

    def notify_style_update(self) -> None:
        """Repaint in the new theme."""
        super().notify_style_update()
        self.restyle(compact=self._painter.compact)

    def restyle(self, *, compact: bool) -> None:
        """Repaint with authors before the text (compact) or above it, and with the current format of times."""
        self._painter.compact = compact
        self._painter.forget_look()
        if self._scroller.stack:
            self.call_later(self._lay_out)

    @property
    def follows(self) -> bool:
        """True while the view is at the end, where new messages appear."""
        return self._scroller.follows

    @property
    def seen(self) -> tuple[int, int]:
        """The numbers of the first and the last message in the view; 0 for none."""
        return self._scroller.seen

    def show_new(self) -> None:
        """Scroll to the first new message."""
        self._scroller.show_new()

    def show_latest(self) -> None:
        """Scroll to the end, and follow it."""
        self._scroller.show_latest()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end while the view is there; request older messages at the beginning."""
        self.refresh()
        self._scroller.scrolled(old_value, new_value)
        self.post_message(TimelineScrolled())

    @on(events.Resize)
    def _wrap_again(self) -> None:
        """Wrap for the new width; drop the selection, which would refer to other characters."""
        self._select_none()
        self._lay_out()
        self.post_message(TimelineScrolled())

    # Painting.

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return lines of the screen from rendered blocks; Textual's own way, `render_line`, would copy each."""
        strips = self._painted(crop.y, crop.height)
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        whole = crop.column_span == (0, self.size.width)
        return strips if whole else [strip.crop(*crop.column_span) for strip in strips]

    def _painted(self, first: int, count: int) -> list[Strip]:
        hovered = self._scroller.timeline.position(self._hovered) if self._hovered else None
        return self._painter.lines(first, count, lit=self._lit, hovered=hovered)

    @property
    def _lit(self) -> int | None:
        """The number of the highlighted block."""
        shown = self.highlighted and (self.has_focus or self._highlight.picked)
        return self._highlight.number if shown else None

    # Selecting text with the mouse.

    @property
    def allow_select(self) -> bool:
        """True if there is text to select."""
        return self._scroller.stack is not None and self._scroller.stack.height > 0

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen with the offsets by which Textual finds the ends of a selection."""
        strip, found = self._painted(y, 1)[0], self._scroller.at(y)
        if self._scroller.stack is None:
            return strip
        return strip.apply_offsets(-LEFT_CELLS, place(self._scroller.timeline, *found) if found else ABOVE)

    def select_block(self, number: int) -> None:
        """Select a message, with its author if that is shown."""
        if stack := self._scroller.stack:
            block = stack.block(number)
            start, end = (place(stack.timeline, number, row) for row in (block.head, len(block.strips) - 1))
            self.screen.selections = {self: Selection(Offset(0, start), Offset(MANY, end))}

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text, and its separator from that of the next widget."""
        stack = self._scroller.stack
        return (text_of(stack, self._painter.range_of(stack, selection)), "\n") if stack else None

    def _select_none(self) -> None:
        if self.text_selection:
            self.screen.clear_selection()

    # The highlight.

    @property
    def highlighted(self) -> Line | None:
        """The highlighted message, unless its author is hidden."""
        return self._highlight.line

    @property
    def moved_by_itself(self) -> bool:
        """True if the highlight moved because the highlighted message was hidden, not because the user moved it."""
        return self._highlight.moved_by_itself

    def can(self, action: str) -> bool:
        """Return whether an action of the screen is available for the highlighted message."""
        return allows(action, self.highlighted, self._offers)

    def enter(self) -> None:
        """Focus the timeline if it has messages; highlight the clicked one, or else the latest."""
        if line := (self.highlighted if self._highlight.picked else None) or self._highlight.latest:
            self._put_highlight(line.msg_id)
            self.screen.set_focus(self)

    @property
    def is_marked(self) -> bool:
        """True while a message is highlighted although the user is writing."""
        return self._highlight.picked and self.highlighted is not None

    def unmark(self) -> None:
        """Remove the highlight of a message that was clicked."""
        if self._highlight.picked:
            self._highlight.refresh()
            self._highlight.clear()
            self.post_message(Marked())

    def jump(self, msg_id: int) -> None:
        """Highlight a message of this timeline, and focus it."""
        self._put_highlight(msg_id)
        # Messages that are loaded next must not scroll it away, even if all messages fit into the view now.
        self._scroller.follows = False
        self.screen.set_focus(self)

    def _put_highlight(self, msg_id: int) -> None:
        self._highlight.put(msg_id)
        self._refresh_keys()

    def _highlight_near(self) -> None:
        """Highlight the nearest message after the highlighted one vanished; return to writing if there is none."""
        if nearest := self._highlight.nearest:
            self._put_highlight(nearest.msg_id)
            self._highlight.moved_by_itself = True
        elif self.has_focus:
            self.action_leave()

    def _refresh_keys(self) -> None:
        """Redraw the footer if the available actions have changed."""
        line = self.highlighted
        available = tuple(allows(name, line, self._offers) for name in CONDITIONS)
        if available != self._available:
            self._available = available
            self.refresh_bindings()

    @on(events.Focus)
    def _show_highlight(self) -> None:
        """Highlight the latest message if there is no highlight, so that the arrow keys have one to move."""
        latest, self._highlight.picked = self._highlight.latest, False
        if not self.highlighted and latest:
            self._put_highlight(latest.msg_id)
        self._highlight.refresh()

    @on(events.Blur)
    def _hide_highlight(self) -> None:
        """Hide the highlight, which is visible only with the focus."""
        self._highlight.refresh()

    def action_move(self, by: int) -> None:
        """Highlight another message; after the last one, return to the composer."""
        stack = self._scroller.stack
        if stack is None or not self.highlighted:
            self.enter()
            return
        number, left = stack.step(self._highlight.number, by)
        if left and by == 1:
            self.action_leave()
            return
        if left and by < 0:
            self._scroller.want_older()
        entry = stack.entries[number]
        if isinstance(entry, Line):
            self._put_highlight(entry.msg_id)

    def action_first(self) -> None:
        """Highlight the first message and scroll to the top; if it is highlighted already, request older ones."""
        first = self._highlight.shown(-1, 1)
        if first and first.msg_id == self._highlight.msg_id:
            self._scroller.want_older()
        elif first:
            self._put_highlight(first.msg_id)
            self._scroller.scroll_into_place((0, 0))

    def action_last(self) -> None:
        """Highlight the latest message and scroll to the end."""
        self.enter()
        self._scroller.scroll_into_place(None)

    def action_leave(self) -> None:
        """Return to writing, and scroll to the end."""
        self._highlight.msg_id = 0
        self._select_none()
        self._scroller.scroll_to_line(self.max_scroll_y)
        self.post_message(BackToWriting())

    # The mouse.

    def _under(self, event: events.MouseEvent) -> tuple[tuple[int, int] | None, Entry | None]:
        """Return the block and row under the mouse, and the entry."""
        found = self._scroller.at(event.y)
        return found, self._scroller.timeline.entries[found[0]] if found else None

    @on(events.Leave)
    def _left(self) -> None:
        self._hover(0)

    def _hover(self, msg_id: int) -> None:
        if msg_id != self._hovered:
            before, self._hovered = self._hovered, msg_id
            self._scroller.refresh_message(before)
            self._scroller.refresh_message(msg_id)

    @on(events.Click)
    async def _clicked(self, event: events.Click) -> None:
        """Highlight the clicked message; a click on its flag reports it, a double click selects its text.

        The user may only want to read, so the focus stays where it is; another click on the message moves it here.
        """
        # Textual itself would select the whole timeline.
        event.prevent_default()
        found, entry = self._under(event)
        # Releasing the mouse button after selecting arrives as a click too.
        if self.text_selection or not found or not isinstance(entry, Line):
            return
        if emoji := event.style.meta.get(EMOJI):
            self.post_message(ReactionClicked(entry, str(emoji)))
            return
        again = self.is_marked and entry.msg_id == self._highlight.msg_id
        self._put_highlight(entry.msg_id)
        if event.chain > 1:
            self.select_block(found[0])
        self._highlight.picked = not self.has_focus
        if again and event.chain == 1:
            self.screen.set_focus(self)
        else:
            self.post_message(Marked())
        if allows("report", entry, self._offers) and 0 <= event.x - self._painter.look.flag_at < FLAG_CELLS:
            await self.run_action("screen.report")

    @on(events.MouseMove)
    def _moved_over(self, event: events.MouseMove) -> None:
        """Highlight the flag of the message under the mouse, and show who added the reaction there."""
        emoji = event.style.meta.get(EMOJI)
        _, entry = self._under(event)
        self._hover(entry.msg_id if isinstance(entry, Line) else 0)
        reactions = entry.reactions if isinstance(entry, Line) else ()
        names = next((each.usernames for each in reactions if each.emoji == emoji), ())
        words = ", ".join(map(name_text.shown, names))
        if words != self._who:
            self._who = words
            self.tooltip = Content(words) if words else None
