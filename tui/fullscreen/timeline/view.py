"""The timeline widget: highlighting messages by key or mouse, and which actions they allow."""

from collections.abc import Mapping, Set

from textual import events, on
from textual.content import Content
from textual.message import Message

from server.protocol import name_text
from tui.client.coverage import BEGINNING
from tui.client.entries import Entry, Line
from tui.client.markdown import addresses
from tui.client.quotation import quoted
from tui.client.timeline import Timeline
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.timeline.blocks import FLAG
from tui.fullscreen.timeline.entry_rows import EMOJI
from tui.fullscreen.timeline.look import FLAG_CELLS
from tui.fullscreen.timeline.stack_view import StackView
from tui.fullscreen.widgets.widget_messages import BackToWriting

__all__ = ["FLAG", "TimelineView"]

ACTIONS = ("report", "profile", "open_link", "direct", "react", "original", "edit_message")
"""Actions that depend on the message, each of which stands for others with the same condition."""


class TimelineView(StackView, can_focus=True):
    """Shows one timeline and its highlight; the actions on the highlighted message belong to the screen."""

    WHERE = Where.MESSAGES
    BINDINGS = bindings(WHERE)
    # Focusing highlights and scrolls to the latest message, before the click is handled.
    FOCUS_ON_CLICK = False

    class ReactionClicked(Message):
        """The user clicked a reaction."""

        def __init__(self, line: Line, emoji: str) -> None:
            super().__init__()
            self.line, self.emoji = line, emoji

    class Marked(Message):
        """The highlight appeared or disappeared while the user is writing."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._profiles = False
        self._operates = False
        self._highlighted = 0
        """The number of the highlighted message; 0 for none."""
        self._picked = False
        """True while a message that was clicked is highlighted although the user is writing."""
        self._who = ""
        """The names of those whose reaction is under the mouse."""
        self.stands_in = False
        """True if the highlight moved because the highlighted message was hidden, not because the user moved it."""
        self._available: tuple[bool | None, ...] = ()
        """The availability of actions when the footer was last drawn."""

    @property
    def highlighted(self) -> Line | None:
        """The highlighted message, unless its author is hidden."""
        line = self._timeline.find(self._highlighted) if self._highlighted else None
        return None if line and not line.mine and line.author in self._hidden else line

    def show(
        self,
        timeline: Timeline,
        hidden: Set[str],
        *,
        reports: bool,
        profiles: bool,
        operates: bool = False,
        placeholder: str,
        away: bool = False,
        words: tuple[str, ...] = (),
        hues: Mapping[str, int] | None = None,
    ) -> None:
        """Draw a timeline without the messages of hidden people.

        `reports`: the site accepts reports. `profiles`: the site provides profiles. `operates`: the user is an
        operator. `away`: the user is looking elsewhere. `words` name the user. `hues`: those of the names.
        """
        opened = timeline is not self._timeline
        if opened:
            self._highlighted, self._picked, self._follows = 0, False, True
            self._select_none()
        self._holds = away or opened
        if placeholder != self._placeholder:
            self.refresh()
        self._timeline, self._reports, self._profiles, self._words = timeline, reports, profiles, words
        self._operates = operates
        self._hidden, self._placeholder, self._hues = frozenset(hidden), placeholder, hues or {}
        self._lay_out()
        if self._highlighted and not self.highlighted:
            self._highlight_near()
        self._refresh_keys()

    def enter(self) -> None:
        """Focus the timeline if it has messages; highlight the clicked one, or else the latest."""
        if line := (self.highlighted if self._picked else None) or self._latest:
            self._highlight(line.msg_id)
            self.screen.set_focus(self)

    @property
    def is_marked(self) -> bool:
        """True while a message is highlighted although the user is writing."""
        return self._picked and self.highlighted is not None

    def unmark(self) -> None:
        """Remove the highlight of a message that was clicked."""
        if self._picked:
            self._refresh_highlight()
            self._highlighted, self._picked = 0, False
            self.post_message(self.Marked())

    @property
    def _lit(self) -> int | None:
        shown = self.highlighted and (self.has_focus or self._picked)
        return self._timeline.position(self._highlighted) if shown else None

    @property
    def _latest(self) -> Line | None:
        return self._shown(len(self._timeline.entries), -1)

    def _shown(self, number: int, by: int) -> Line | None:
        """Return the message `by` visible messages away, or the farthest in that direction; None if there is none."""
        if self._stack is None:
            return None
        number, left = self._stack.step(number, by)
        entry = self._timeline.entries[number] if left < abs(by) else None
        return entry if isinstance(entry, Line) else None

    def _highlight_near(self) -> None:
        """Highlight the nearest message after the highlighted one vanished: the previous, else the next, else leave."""
        at = self._timeline.position(self._highlighted)
        nearest = self._shown(at, -1) or self._shown(at - 1, 1)
        if nearest:
            self._highlight(nearest.msg_id)
            self.stands_in = True
        elif self.has_focus:
            self.action_leave()

    def jump(self, msg_id: int) -> None:
        """Highlight a message of this timeline, and focus it."""
        self._highlight(msg_id)
        # What is loaded next must not scroll it away, even if all of it fits into the view now.
        self._follows = False
        self.screen.set_focus(self)

    def _highlight(self, msg_id: int) -> None:
        self._refresh_highlight()
        self._highlighted, self.stands_in = msg_id, False
        if self._stack and self.highlighted:
            number = self._timeline.position(msg_id)
            self._stack.measure(number, above=self.size.height, below=self.size.height)
            start, end = self._stack.start(number), self._stack.end(number)
            if start < self.scroll_offset.y:
                self._scroll_into_place((number, 0))
            elif end > self.scroll_offset.y + self.size.height:
                self._scroll_into_place(self._stack.at(end - self.size.height))
        self._refresh_highlight()
        self._refresh_keys()

    def _refresh_highlight(self) -> None:
        """Redraw only the highlighted message."""
        if self.highlighted:
            self._refresh_message(self._highlighted)

    def _refresh_message(self, msg_id: int) -> None:
        number = self._timeline.position(msg_id)
        if self._stack and self._timeline.find(msg_id):
            start = self._stack.start(number)
            self.refresh_lines(start + self._space_above, self._stack.end(number) - start)

    def _refresh_keys(self) -> None:
        """Redraw the footer if the available actions have changed."""
        available = tuple(self.can(name) for name in ACTIONS)
        if available != self._available:
            self._available = available
            self.refresh_bindings()

    @on(events.Focus)
    def _show_highlight(self) -> None:
        """Highlight the latest message if there is no highlight, so that the arrow keys have one to move."""
        latest, self._picked = self._latest, False
        if not self.highlighted and latest:
            self._highlight(latest.msg_id)
        self._refresh_highlight()

    @on(events.Blur)
    def _hide_highlight(self) -> None:
        """Hide the highlight, which is visible only with the focus."""
        self._refresh_highlight()

    def _under(self, event: events.MouseEvent) -> tuple[tuple[int, int] | None, Entry | None]:
        """Return the block and row below the mouse, and the entry."""
        found = self._stack.at(event.y + self.scroll_offset.y - self._space_above) if self._stack else None
        return found, self._timeline.entries[found[0]] if found else None

    @on(events.Leave)
    def _left(self) -> None:
        self._hover(0)

    def _hover(self, msg_id: int) -> None:
        if msg_id != self._hovered:
            before, self._hovered = self._hovered, msg_id
            self._refresh_message(before)
            self._refresh_message(msg_id)

    @on(events.Click)
    async def _clicked(self, event: events.Click) -> None:
        """Highlight the clicked message; a click on its flag reports it, a double click selects its text.

        The user may only want to read, so typing goes on where it was; another click on the message takes the focus.
        """
        # Textual itself would select the whole timeline.
        event.prevent_default()
        found, entry = self._under(event)
        # Releasing the mouse button after selecting arrives as a click too.
        if self.text_selection or not found or not isinstance(entry, Line):
            return
        if emoji := event.style.meta.get(EMOJI):
            self.post_message(self.ReactionClicked(entry, str(emoji)))
            return
        again = self.is_marked and entry.msg_id == self._highlighted
        self._highlight(entry.msg_id)
        if event.chain > 1:
            self.select_block(found[0])
        self._picked = not self.has_focus
        if again and event.chain == 1:
            self.screen.set_focus(self)
        else:
            self.post_message(self.Marked())
        if self._can_report(entry) and 0 <= event.x - self._take_look().flag_at < FLAG_CELLS:
            await self.run_action("screen.report")

    @on(events.MouseMove)
    def _moved_over(self, event: events.MouseMove) -> None:
        """Light the flag of the message under the mouse, and show whose reaction is there."""
        emoji = event.style.meta.get(EMOJI)
        _, entry = self._under(event)
        self._hover(entry.msg_id if isinstance(entry, Line) else 0)
        reactions = entry.reactions if isinstance(entry, Line) else ()
        names = next((each.usernames for each in reactions if each.emoji == emoji), ())
        words = ", ".join(map(name_text.shown, names))
        if words != self._who:
            self._who = words
            self.tooltip = Content(words) if words else None

    def can(self, action: str) -> bool:
        """Return whether an action of the screen is available for the highlighted message."""
        line = self.highlighted
        if action == "report":
            return line is not None and self._can_report(line)
        if action == "profile":
            return line is not None and self._profiles
        if action == "open_link":
            return line is not None and bool(addresses(line.text))
        if action in {"direct", "mute"}:
            return line is not None and not line.mine
        if action in {"react", "copy", "reply"}:
            return line is not None and not line.taken_back
        if action == "original":
            return line is not None and bool(quoted(line))
        if action in {"edit_message", "take_back"}:
            may = line is not None and (line.mine or (self._operates and action == "take_back"))
            return may and line is not None and not line.taken_back
        return True

    def _can_report(self, line: Line) -> bool:
        return self._reports and not line.mine

    def action_move(self, by: int) -> None:
        """Highlight another message; after the last one, return to the composer."""
        if self._stack is None or not self.highlighted:
            self.enter()
            return
        number, left = self._stack.step(self._timeline.position(self._highlighted), by)
        if left and by == 1:
            self.action_leave()
            return
        if left and by < 0:
            self.post_message(self.PageWanted(BEGINNING, scrolled=True))
        entry = self._timeline.entries[number]
        if isinstance(entry, Line):
            self._highlight(entry.msg_id)

    def action_first(self) -> None:
        """Highlight the first message and scroll to the top; if it is highlighted already, request older ones."""
        first = self._shown(-1, 1)
        if first and first.msg_id == self._highlighted:
            self.post_message(self.PageWanted(BEGINNING, scrolled=True))
        elif first:
            self._highlight(first.msg_id)
            self._scroll_into_place((0, 0))

    def action_last(self) -> None:
        """Highlight the latest message and scroll to the end."""
        self.enter()
        self._scroll_into_place(None)

    def action_leave(self) -> None:
        """Return to writing, and scroll to the end."""
        self._highlighted = 0
        self._select_none()
        self._scroll(self.max_scroll_y)
        self.post_message(BackToWriting())
