"""The list of channels and conversations on the left, with unread counts."""

from collections.abc import Container, Iterable

from textual.content import Content
from textual.style import Style

from tui.client.timeline import Timeline
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.rows import ListRow, RowList
from tui.fullscreen.widgets.widget_messages import BackToWriting

MOST_SHOWN = 99
DRAFT = "✎"
MENTIONED = "@"
"""Before the count of a place where the user was named."""
PERSONAL = "bold reverse $warning"


class ChannelList(RowList):
    """Shows the channels, then the conversations."""

    WHERE = Where.CHANNELS
    BINDINGS = bindings(WHERE)

    def show(self, timelines: Iterable[Timeline], current: str, drafts: Container[str] = ()) -> None:
        """Draw the list; a channel with a draft is marked, unless the composer shows it."""
        row = lambda each: _row(each, draft=each.id in drafts and each.id != current)  # noqa: E731 - used twice
        channels = [each for each in timelines if each.peer is None]
        people = [each for each in timelines if each.peer is not None]
        rows = [
            ListRow("", Content.styled("CHANNELS", Style(dim=True))),
            *map(row, channels),
        ]
        if people:
            rows += [ListRow("", Content("")), ListRow("", Content.styled("DIRECT", Style(dim=True)))]
            rows += map(row, people)
        self.show_rows(rows, current)

    def action_leave(self) -> None:
        self.post_message(BackToWriting())


def _row(timeline: Timeline, *, draft: bool) -> ListRow:
    label, mark = timeline.title, DRAFT if draft else ""
    if not timeline.unread:
        return ListRow(timeline.id, Content(label), Content(mark))
    count = str(timeline.unread) if timeline.unread <= MOST_SHOWN else f"{MOST_SHOWN}+"
    personal = timeline.mentions or timeline.peer is not None
    shown = f" {MENTIONED if timeline.mentions else ''}{count} "
    badge = Content.styled(shown, PERSONAL if personal else "bold $text on $accent 60%")
    return ListRow(timeline.id, Content.styled(label, Style(bold=True)), Content.assemble(mark, badge))
