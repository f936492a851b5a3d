"""The preview of a report: the message and its context, exactly as the site receives them."""

from collections.abc import Mapping, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.style import Style

from server.protocol import name_text
from tui.client.entries import Line
from tui.fullscreen.widgets.colours import name_colour
from tui.fullscreen.widgets.hanging_text import HangingText
from tui.times import clock

STILL_KEPT = "message deleted; the server still has its text and sends it to the site"


class EvidenceView(VerticalScroll, can_focus=True):
    """Shows the messages to send; `fewer` removes the farthest one of the context, `more` adds the next one."""

    def __init__(
        self,
        line: Line,
        before: Sequence[Line],
        after: Sequence[Line],
        hues: Mapping[str, int],
        *,
        id: str,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self._hues = hues
        self._line = line
        self._before = before
        self._after = after
        self._sent = len(before) + len(after)

    def compose(self) -> ComposeResult:
        for line in self._before:
            yield self._message(line)
        yield self._message(self._line, "evidence-reported")
        for line in self._after:
            yield self._message(line)

    def _message(self, line: Line, id: str | None = None) -> HangingText:  # noqa: A002 - Textual's name
        author = Style(foreground=name_colour(line.author, self.background_colors[1], self._hues), bold=True)
        text = Content.assemble(
            (name_text.shown(line.author), author),
            (name_text.SEPARATOR, Style(dim=True)),
            (STILL_KEPT, Style(italic=True, dim=True)) if line.taken_back else line.text,
        )
        mark = ("⚑ " if line is self._line else "", "bold $error")
        return HangingText(Content.assemble(mark, (f"{clock(line.at)} ", Style(dim=True))), text, id=id)

    @on(events.Mount)
    def _scroll_to_reported(self) -> None:
        self.call_after_refresh(self._show_reported)

    @property
    def around(self) -> int:
        """The number of messages of context that can be sent."""
        return len(self._before) + len(self._after)

    @property
    def sent(self) -> tuple[int, ...]:
        """The numbers (msgID) of the context that will be sent, in order."""
        near = self._nearest()
        return tuple(line.msg_id for line in (*self._before, *self._after) if line.msg_id in near)

    @property
    def summary(self) -> str:
        """A few words about the messages that will be sent."""
        near = self._nearest()
        before, after = (sum(line.msg_id in near for line in lines) for lines in (self._before, self._after))
        around = " and ".join([f"{before} before"] * bool(before) + [f"{after} after"] * bool(after))
        return f"this message, {around}" if around else "only this message"

    def send(self, number: int) -> None:
        """Set how many messages of context to send, from 0 to `around`."""
        self._sent = max(0, min(number, self.around))
        near = self._nearest()
        for line, shown in zip((*self._before, self._line, *self._after), self.query(HangingText), strict=True):
            shown.display = line is self._line or line.msg_id in near
        self.call_after_refresh(self._show_reported)

    def fewer(self) -> None:
        """Include one fewer message of context."""
        self.send(self._sent - 1)

    def more(self) -> None:
        """Include one more message of context."""
        self.send(self._sent + 1)

    def _nearest(self) -> set[int]:
        """Return the numbers of the nearest messages; of two at the same distance, the earlier counts as nearer."""
        ranked = [(float(distance), line.msg_id) for distance, line in enumerate(reversed(self._before))]
        ranked += [(distance + 0.5, line.msg_id) for distance, line in enumerate(self._after)]
        return {msg_id for _, msg_id in sorted(ranked)[: self._sent]}

    def _show_reported(self) -> None:
        self.scroll_to_center(self.query_one("#evidence-reported"), animate=False)
