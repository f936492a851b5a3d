"""The messages of a channel: drawn line by line, each within reach of the arrow keys and the mouse."""

import gc
from collections.abc import Set
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.style import Style

from tui.core.timeline import Line, Timeline
from tui.keymap import Where, bindings
from tui.times import written_in
from tui.widgets.blocks import FLAG, FLAG_CELLS, LEFT_CELLS, REPORTED, Look, Styles
from tui.widgets.stack import Stack, moved

__all__ = ["FLAG", "REPORTED", "TimelineView"]

BAR_STEPS = 8
"""The scrollbar draws eighths of a cell."""
FREEZE_AFTER = 10_000
"""Messages. A full garbage collection takes time for each that is not frozen; what is frozen is never collected."""


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
        self._timeline = Timeline("", "")
        self._hidden: Set[str] = frozenset()
        self._reports = False
        self._profiles = False
        self._placeholder = ""
        self._look: Look | None = None
        self._compact = False
        self._stack: Stack | None = None
        self._follows = True
        """Whether the view stays at the end when something is added."""
        self._settles = False
        """Whether it is this widget itself that scrolls, over what is wrapped already."""
        self._highlighted = 0
        """The number of the highlighted message, 0 if there is none."""
        self._means: tuple[bool | None, ...] = ()
        """What the keys meant when they were drawn the last time."""
        self._bar = (0, 0)
        self._frozen = 0

    @property
    def highlighted(self) -> Line | None:
        """The highlighted message."""
        line = self._timeline.find(self._highlighted) if self._highlighted else None
        return None if line and not line.mine and line.author in self._hidden else line

    def show(self, timeline: Timeline, hidden: Set[str], *, reports: bool, profiles: bool, placeholder: str) -> None:
        """Draw a timeline as it is now, without what the hidden people say.

        `reports` and `profiles`: whether the site takes and gives them.
        """
        if timeline is not self._timeline:
            self._highlighted, self._follows = 0, True
        if placeholder != self._placeholder:
            self.refresh()
        self._timeline, self._reports, self._profiles = timeline, reports, profiles
        self._hidden, self._placeholder = frozenset(hidden), placeholder
        self._lay_out()
        if self._highlighted and not self.highlighted:
            self._highlight_near()
        self._refresh_keys()

    def enter(self) -> None:
        """Highlight the latest message and take the focus, if there is one."""
        latest = self._latest
        if latest:
            self._highlight(latest.msg_id)
            self.screen.set_focus(self)

    def _lay_out(self) -> None:
        """Bring the stack up to the timeline; what the person looks at stays where it is."""
        if self.size.width <= LEFT_CELLS + FLAG_CELLS:
            # The first paint can come before the first Resize.
            return
        look, changes = self._take_look(), self._timeline.take_changes()
        before = self._stack if self._stack and self._stack.timeline is self._timeline else None
        top = before.at(self.scroll_offset.y) if before and not self._follows else None
        changed = bool(changes)
        if before and before.hidden == self._hidden:
            before.take(changes)
            if before.look != look:
                before.dress(look)
                changed = True
        else:
            self._stack, changed = Stack(self._timeline, self._hidden, look), True
        self._freeze()
        self._settle((moved(top[0], changes), top[1]) if top else None)
        if changed:
            self.refresh()

    def _settle(self, top: tuple[int, int] | None) -> None:
        """Wrap what is in the view and a page around it; a line of a block, or the end, stands where it stood."""
        stack = self._stack
        if stack is None:
            return
        page = self.size.height
        if top is None:
            stack.measure(len(stack.entries), above=2 * page, below=0)
        else:
            stack.measure(top[0], above=page, below=2 * page)
        if stack.height != self.virtual_size.height:
            # By itself it would have the whole screen laid out anew.
            self.set_reactive(ScrollView.virtual_size, Size(self.size.width, stack.height))
        line = self.max_scroll_y
        if top:
            line = min(line, stack.start(top[0]) + min(top[1], max(0, stack.end(top[0]) - stack.start(top[0]) - 1)))
        self._settles = True
        self._scroll(line)
        self._settles = False
        self._move_bar()

    def _move_bar(self) -> None:
        """Tell the scrollbar where the view is; it is drawn anew only if that is seen."""
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
        # A transparent background would be drawn as black, and hide the highlight.
        return replace(style, background=None) if style.background and style.background.is_transparent else style

    def notify_style_update(self) -> None:
        """Paint anew in another theme."""
        super().notify_style_update()
        self.dress(compact=self._compact)

    def dress(self, *, compact: bool) -> None:
        """Paint anew, with authors before the text or above it, and with times as they are written now."""
        self._look, self._compact = None, compact
        if self._stack:
            self.call_later(self._lay_out)

    @property
    def _latest(self) -> Line | None:
        return self._shown(len(self._timeline.entries), -1)

    def _shown(self, number: int, by: int) -> Line | None:
        """The message so many shown ones from an entry, or the last one on the way there."""
        if self._stack is None:
            return None
        number, left = self._stack.step(number, by)
        entry = self._timeline.entries[number] if left < abs(by) else None
        return entry if isinstance(entry, Line) else None

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines of the screen. They are painted already; the way through `render_line` would make each of them anew."""
        strips = self._painted(crop.y, crop.height)
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        whole = crop.column_span == (0, self.size.width)
        return strips if whole else [strip.crop(*crop.column_span) for strip in strips]

    def _painted(self, first: int, count: int) -> list[Strip]:
        stack, width = self._stack, self.size.width
        if stack is None or not stack.height:
            return [self._placeholder_line(y, width) for y in range(first, first + count)]
        blank = Strip.blank(width, self.rich_style)
        line = first + self.scroll_offset.y - self._space_above
        strips = [blank] * min(count, max(0, -line))
        number, row = stack.at(max(0, line)) or (len(stack.entries), 0)
        highlighted = self._timeline.position(self._highlighted) if self.has_focus and self.highlighted else None
        while len(strips) < count and number < len(stack.entries):
            if not stack.hides(stack.entries[number]):
                strips += stack.block(number, lit=number == highlighted).strips[row:]
            number, row = number + 1, 0
        return [*strips, *[blank] * (count - len(strips))][:count]

    def _placeholder_line(self, y: int, width: int) -> Strip:
        text = Content(self._placeholder if y == self.size.height // 2 else "").truncate(width)
        left = " " * ((width - text.cell_length) // 2)
        style = self.rich_style + self.get_component_rich_style("timeline--dim", partial=True)
        return Strip([Segment(left, self.rich_style), Segment(text.plain, style)]).adjust_cell_length(
            width, self.rich_style
        )

    @property
    def _space_above(self) -> int:
        """Blank lines above few messages, which stand at the bottom."""
        return max(0, self.size.height - self._stack.height) if self._stack else 0

    def _highlight_near(self) -> None:
        """What was highlighted is not shown any more: go to the message before, or after, or out."""
        at = self._timeline.position(self._highlighted)
        nearest = self._shown(at, -1) or self._shown(at - 1, 1)
        if nearest:
            self._highlight(nearest.msg_id)
        elif self.has_focus:
            self.action_leave()

    def jump(self, msg_id: int) -> None:
        """Highlight a message that is shown here, and take the focus."""
        self._highlight(msg_id)
        self.screen.set_focus(self)

    def _highlight(self, msg_id: int) -> None:
        self._refresh_highlight()
        self._highlighted = msg_id
        if self._stack and self.highlighted:
            number = self._timeline.position(msg_id)
            self._stack.measure(number, above=self.size.height, below=self.size.height)
            start, end = self._stack.start(number), self._stack.end(number)
            if start < self.scroll_offset.y:
                self._settle((number, 0))
            elif end > self.scroll_offset.y + self.size.height:
                self._settle(self._stack.at(end - self.size.height))
        self._refresh_highlight()
        self._refresh_keys()

    def _refresh_highlight(self) -> None:
        """Draw the highlighted message anew, and nothing else."""
        number = self._timeline.position(self._highlighted)
        if self._stack and self.highlighted:
            start = self._stack.start(number)
            self.refresh_lines(start + self._space_above, self._stack.end(number) - start)

    def _refresh_keys(self) -> None:
        """Draw the keys anew if they mean something else now."""
        means = tuple(self.check_action(name, ()) for name in ("report", "profile", "direct", "take_back"))
        if means != self._means:
            self._means = means
            self.refresh_bindings()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end while the view is there; ask for older messages at the beginning."""
        self.refresh()
        self._follows = new_value >= self.max_scroll_y
        if self._stack and not self._settles:
            self._settle(None if self._follows else self._stack.at(round(new_value)))
        if new_value <= 0 < old_value:
            self.post_message(self.OlderWanted())

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self._lay_out()

    def on_focus(self) -> None:
        """There is always a highlight while the arrow keys move it."""
        latest = self._latest
        if not self.highlighted and latest:
            self._highlight(latest.msg_id)
        self._refresh_highlight()

    def on_blur(self) -> None:
        """The highlight is seen only with the focus."""
        self._refresh_highlight()

    def on_click(self, event: events.Click) -> None:
        """Highlight what was clicked; on the flag, report it."""
        place = self._stack.at(event.y + self.scroll_offset.y - self._space_above) if self._stack else None
        entry = self._timeline.entries[place[0]] if place else None
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

    def _can_report(self, line: Line) -> bool:
        return self._reports and not line.mine

    def action_move(self, by: int) -> None:
        """Highlight another message; behind the last one the composer follows."""
        if self._stack is None or not self.highlighted:
            self.enter()
            return
        number, left = self._stack.step(self._timeline.position(self._highlighted), by)
        if left and by == 1:
            self.action_leave()
            return
        if left and by < 0:
            self.post_message(self.OlderWanted())
        entry = self._timeline.entries[number]
        if isinstance(entry, Line):
            self._highlight(entry.msg_id)

    def action_first(self) -> None:
        """Highlight the first message; from there, ask for older ones."""
        first = self._shown(-1, 1)
        if first and first.msg_id == self._highlighted:
            self.post_message(self.OlderWanted())
        elif first:
            self._highlight(first.msg_id)

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
