"""The highlighted message of a timeline, and how the highlight moves."""

from tui.client.entries import Line
from tui.fullscreen.timeline.scrolling import StackScroller


class Highlight:
    """Tracks the highlighted message; whether it is drawn depends on the focus."""

    def __init__(self, scroller: StackScroller) -> None:
        self._scroller = scroller
        self.msg_id = 0
        """The number of the highlighted message; 0 for none."""
        self.picked = False
        """True while a message that was clicked is highlighted although the user is writing."""
        self.moved_by_itself = False
        """True if the highlight moved because the highlighted message was hidden, not because the user moved it."""

    @property
    def line(self) -> Line | None:
        """The highlighted message, unless its author is hidden."""
        line = self._scroller.timeline.find(self.msg_id) if self.msg_id else None
        return None if line and not line.mine and line.author in self._scroller.hidden else line

    @property
    def number(self) -> int:
        """The number of the highlighted message's block."""
        return self._scroller.timeline.position(self.msg_id)

    @property
    def latest(self) -> Line | None:
        """The latest visible message."""
        return self.shown(len(self._scroller.timeline.entries), -1)

    @property
    def nearest(self) -> Line | None:
        """The visible message nearest to where the highlighted one vanished: the previous, or else the next."""
        return self.shown(self.number, -1) or self.shown(self.number - 1, 1)

    def shown(self, number: int, by: int) -> Line | None:
        """Return the message `by` visible messages away, or the farthest in that direction; None if there is none."""
        stack = self._scroller.stack
        if stack is None:
            return None
        number, left = stack.step(number, by)
        entry = stack.entries[number] if left < abs(by) else None
        return entry if isinstance(entry, Line) else None

    def put(self, msg_id: int) -> None:
        """Highlight a message, and scroll as far as necessary to show it."""
        self.refresh()
        self.msg_id, self.moved_by_itself = msg_id, False
        if self.line:
            self._scroller.bring_into_view(msg_id)
        self.refresh()

    def clear(self) -> None:
        """Highlight nothing."""
        self.msg_id, self.picked = 0, False

    def refresh(self) -> None:
        """Redraw only the highlighted message."""
        if self.line:
            self._scroller.refresh_message(self.msg_id)
