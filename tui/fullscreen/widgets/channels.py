"""The list of channels and conversations on the left, with unread counts."""

from collections.abc import Iterable

from textual.content import Content
from textual.message import Message
from textual.style import Style

from server.protocol import name_text
from tui.client.timeline import Timeline
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.rows import Row, RowList

MOST_SHOWN = 99


class ChannelList(RowList):
    """Shows the channels, then the conversations."""

    BINDINGS = bindings(Where.CHANNELS)

    class Left(Message):
        """The user returns to writing."""

    def show(self, timelines: Iterable[Timeline], current: str) -> None:
        channels = [each for each in timelines if not each.id.startswith("@")]
        people = [each for each in timelines if each.id.startswith("@")]
        rows = [
            Row("", Content.styled("CHANNELS", Style(dim=True))),
            *(_row(f"# {name_text.place(each.name)}", each) for each in channels),
        ]
        if people:
            rows += [Row("", Content("")), Row("", Content.styled("DIRECT", Style(dim=True)))]
            rows += [_row(f"@{name_text.shown(each.name[1:])}", each) for each in people]
        self.show_rows(rows, current)

    def action_leave(self) -> None:
        self.post_message(self.Left())


def _row(label: str, timeline: Timeline) -> Row:
    if not timeline.unread:
        return Row(timeline.id, Content(label))
    count = str(timeline.unread) if timeline.unread <= MOST_SHOWN else f"{MOST_SHOWN}+"
    badge = Content.styled(f" {count} ", "bold $text on $accent 60%")
    return Row(timeline.id, Content.styled(label, Style(bold=True)), badge)
