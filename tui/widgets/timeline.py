"""The messages of a channel: drawn line by line, each within reach of the arrow keys and the mouse."""

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from tui.core.timeline import Entry, Line, Timeline
from tui.keymap import Where, bindings
from tui.widgets.blocks import Block, Stack, Styles, stack

LEFT_CELLS = 3
FLAG_CELLS = 4
FLAG = "⚑"
REPORTED = "⚑✓"
BAR = "▌"


class TimelineView(ScrollView, can_focus=True):
    """Shows one timeline; posts what the person wants of a message."""

    BINDINGS = bindings(Where.MESSAGES)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timeline--text", "timeline--dim", "timeline--code", "timeline--link", "timeline--good", "timeline--bad",
        "timeline--flag", "timeline--highlight",
    }  # fmt: skip

    @dataclass
    class ReportWanted(Message):
        """A message shall be reported."""

        line: Line

    @dataclass
    class ProfileWanted(Message):
        """A person's profile shall be shown."""

        username: str

    @dataclass
    class DirectWanted(Message):
        """A person shall be written to directly."""

        username: str

    @dataclass
    class MuteWanted(Message):
        """A person's messages shall not be shown."""

        username: str

    @dataclass
    class TakebackWanted(Message):
        """One's own message shall be taken back."""

        msg_id: int

    @dataclass
    class ReactWanted(Message):
        """An emoji shall be put under a message, or taken away."""

        line: Line

    @dataclass
    class CopyWanted(Message):
        """A text shall be put in the clipboard."""

        text: str

    class OlderWanted(Message):
        """The beginning of what is loaded was reached."""

    class Left(Message):
        """The person goes back to writing."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._timeline: Timeline | None = None
        self._hidden: Set[str] = frozenset()
        self._reports = False
        self._profiles = False
        self._placeholder = ""
        self._stack = Stack()
        self._width = 0
        self._follows = True
        """Whether the view stays at the end when something is added."""
        self._highlighted = 0
        """The number of the highlighted message, 0 if there is none."""

    @property
    def highlighted(self) -> Line | None:
        """The highlighted message."""
        line = self._timeline.find(self._highlighted) if self._timeline and self._highlighted else None
        return None if line and self._hides(line) else line

    def show(self, timeline: Timeline, hidden: Set[str], *, reports: bool, profiles: bool, placeholder: str) -> None:
        """Draw a timeline as it is now, without what the hidden people say.

        `reports` and `profiles`: whether the site takes and gives them.
        """
        if timeline is not self._timeline:
            self._highlighted, self._follows = 0, True
        self._timeline, self._reports, self._profiles = timeline, reports, profiles
        self._hidden, self._placeholder = frozenset(hidden), placeholder
        self._lay_out()
        if self._highlighted and not self.highlighted:
            self._highlight_near()
        self.refresh_bindings()

    def enter(self) -> None:
        """Highlight the latest message and take the focus, if there is one."""
        lines = self._lines
        if lines:
            self._highlight(lines[-1].msg_id)
            self.screen.set_focus(self)

    def _lay_out(self) -> None:
        """Stack the entries anew; what the person looks at stays where it is."""
        width = self.size.width - LEFT_CELLS - FLAG_CELLS
        if width <= 0:
            # The first paint can come before the first Resize.
            return
        anchor = None if self._follows else self._anchor()
        before = self._stack if width == self._width else Stack()
        entries = [entry for entry in self._timeline.entries if not self._hides(entry)] if self._timeline else []
        self._stack, self._width = stack(entries, width, self._styles, before), width
        self.virtual_size = Size(self.size.width, self._stack.height)
        if anchor is None:
            self._scroll(self.max_scroll_y)
        else:
            self._scroll(self._line_of(*anchor))
        self.refresh()

    def _anchor(self) -> tuple[Block, int] | None:
        """The block at the top of the view, and how far it is scrolled out."""
        place = self._stack.at(self.scroll_offset.y)
        return (self._stack.blocks[place[0]], place[1]) if place else None

    def _line_of(self, block: Block, row: int) -> int:
        """Where a line of an old block is now."""
        for number, other in enumerate(self._stack.blocks):
            if other.entry is block.entry or _number(other) == _number(block) != 0:
                return self._stack.start(number) + min(row, len(other.strips) - 1)
        return self.scroll_offset.y

    def _scroll(self, line: int) -> None:
        self.scroll_to(y=line, animate=False, immediate=True, force=True)

    @property
    def _styles(self) -> Styles:
        return Styles(*(self._style(name) for name in ("text", "dim", "code", "link", "good", "bad")))

    def _style(self, name: str) -> Style:
        style = self.get_visual_style(f"timeline--{name}", partial=True)
        # A transparent background would be drawn as black, and hide the highlight.
        return replace(style, background=None) if style.background and style.background.is_transparent else style

    @property
    def _lines(self) -> list[Line]:
        return [block.entry for block in self._stack.blocks if isinstance(block.entry, Line)]

    def render_line(self, y: int) -> Strip:
        """One line of the screen: bar, text, flag."""
        width = self.size.width
        base = self.rich_style
        place = self._stack.at(y + self.scroll_offset.y - self._space_above)
        if place is None:
            return self._render_placeholder(y, width).apply_style(base)
        block, row = self._stack.blocks[place[0]], place[1]
        lit = self.has_focus and _number(block) == self._highlighted != 0 and row >= _lead(block)
        if lit:
            base = self.get_component_rich_style("timeline--highlight")
        text = block.strips[row].adjust_cell_length(width - LEFT_CELLS - FLAG_CELLS)
        segments = [Segment((BAR if lit else " ").center(LEFT_CELLS), base), *text, self._flag(block, row, lit=lit)]
        return Strip(segments, width).apply_style(base)

    def _flag(self, block: Block, row: int, *, lit: bool) -> Segment:
        if row != _lead(block) or not self._can_report(block.entry):
            return Segment(" " * FLAG_CELLS)
        reported = isinstance(block.entry, Line) and block.entry.reported
        style = self.get_component_rich_style("timeline--dim" if reported else "timeline--flag", partial=True)
        return Segment(f" {REPORTED if reported else FLAG}".ljust(FLAG_CELLS), style)

    def _render_placeholder(self, y: int, width: int) -> Strip:
        if self._stack.height or y != self.size.height // 2:
            return Strip.blank(width)
        style = self.get_component_rich_style("timeline--dim", partial=True)
        text = Strip([Segment(self._placeholder, style)])
        return Strip([Segment(" " * max(0, (width - text.cell_length) // 2)), *text]).adjust_cell_length(width)

    @property
    def _space_above(self) -> int:
        """Blank lines above few messages, which stand at the bottom."""
        return max(0, self.size.height - self._stack.height)

    def _can_report(self, entry: object) -> bool:
        return self._reports and isinstance(entry, Line) and not entry.mine

    def _hides(self, entry: Entry) -> bool:
        return isinstance(entry, Line) and not entry.mine and entry.author in self._hidden

    def _highlight_near(self) -> None:
        """What was highlighted is not shown any more: go to the message before, or after, or out."""
        numbers = [line.msg_id for line in self._lines]
        nearest = [number for number in numbers if number < self._highlighted][-1:] or numbers[:1]
        if nearest:
            self._highlight(nearest[0])
        elif self.has_focus:
            self.action_leave()

    def jump(self, msg_id: int) -> None:
        """Highlight a message that is shown here, and take the focus."""
        self._highlight(msg_id)
        self.screen.set_focus(self)

    def _highlight(self, msg_id: int) -> None:
        self._highlighted = msg_id
        for number, block in enumerate(self._stack.blocks):
            if _number(block) == msg_id:
                start, end = self._stack.start(number), self._stack.end(number)
                if start < self.scroll_offset.y:
                    self._scroll(start)
                elif end > self.scroll_offset.y + self.size.height:
                    self._scroll(end - self.size.height)
        self.refresh()
        self.refresh_bindings()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end while the view is there; ask for older messages at the beginning."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.max_scroll_y
        if new_value <= 0 < old_value:
            self.post_message(self.OlderWanted())

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self._lay_out()

    def on_focus(self) -> None:
        """There is always a highlight while the arrow keys move it."""
        if not self.highlighted and self._lines:
            self._highlight(self._lines[-1].msg_id)

    def on_click(self, event: events.Click) -> None:
        """Highlight what was clicked; on the flag, report it."""
        place = self._stack.at(event.y + self.scroll_offset.y - self._space_above)
        entry = self._stack.blocks[place[0]].entry if place else None
        if not isinstance(entry, Line):
            return
        self._highlight(entry.msg_id)
        self.focus()
        if self._can_report(entry) and event.x >= self.size.width - FLAG_CELLS:
            self.post_message(self.ReportWanted(entry))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the keys that mean nothing for the highlighted message."""
        line = self.highlighted
        if action == "report":
            return line is not None and self._can_report(line)
        if action == "profile":
            return line is not None and self._profiles
        if action in {"direct", "mute"}:
            return line is not None and not line.mine
        if action in {"react", "copy"}:
            return line is not None and not line.taken_back
        if action == "take_back":
            return line is not None and line.mine and not line.taken_back
        return True

    def action_move(self, by: int) -> None:
        """Highlight another message; behind the last one the composer follows."""
        numbers = [line.msg_id for line in self._lines]
        if self._highlighted not in numbers:
            self.enter()
            return
        target = numbers.index(self._highlighted) + by
        if target >= len(numbers) and by == 1:
            self.action_leave()
            return
        if target < 0:
            self.post_message(self.OlderWanted())
        self._highlight(numbers[max(0, min(target, len(numbers) - 1))])

    def action_first(self) -> None:
        """Highlight the first message; from there, ask for older ones."""
        lines = self._lines
        if lines and lines[0].msg_id == self._highlighted:
            self.post_message(self.OlderWanted())
        elif lines:
            self._highlight(lines[0].msg_id)

    def action_last(self) -> None:
        """Highlight the latest message."""
        self.enter()

    def action_report(self) -> None:
        """Report the highlighted message."""
        if line := self.highlighted:
            self.post_message(self.ReportWanted(line))

    def action_profile(self) -> None:
        """Show the author's profile."""
        if line := self.highlighted:
            self.post_message(self.ProfileWanted(line.author))

    def action_direct(self) -> None:
        """Write to the author."""
        if line := self.highlighted:
            self.post_message(self.DirectWanted(line.author))

    def action_mute(self) -> None:
        """Show nothing more of the author."""
        if line := self.highlighted:
            self.post_message(self.MuteWanted(line.author))

    def action_take_back(self) -> None:
        """Take the highlighted message back."""
        if line := self.highlighted:
            self.post_message(self.TakebackWanted(line.msg_id))

    def action_copy(self) -> None:
        """Copy the highlighted message."""
        if line := self.highlighted:
            self.post_message(self.CopyWanted(line.text))

    def action_react(self) -> None:
        """Choose an emoji for the highlighted message."""
        if line := self.highlighted:
            self.post_message(self.ReactWanted(line))

    def action_leave(self) -> None:
        """Go back to writing, at the end of the timeline."""
        self._highlighted = 0
        self._scroll(self.max_scroll_y)
        self.post_message(self.Left())


def _number(block: Block) -> int:
    return block.entry.msg_id if isinstance(block.entry, Line) else 0


def _lead(block: Block) -> int:
    """The blank line above a block that begins with its author."""
    return 0 if block.joined else 1
