"""The list of channels and conversations on the left, with unread counts."""

from collections.abc import Callable, Container, Iterable, Sequence

from textual import events, on
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from tui.client.timeline import Timeline
from tui.client.unread import shown_count
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.rows import ListRow, RowList
from tui.fullscreen.widgets.widget_messages import BackToWriting

DRAFT = "✎"
MENTIONED = "@"
"""Before the count of a place where the user was named."""
PERSONAL = "bold reverse $warning"


class UnreadOutOfView(Static):
    """Counts the places with unread messages that the list does not show without scrolling."""

    class Pressed(Message):
        """The user wants to go to one of them."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)

    def show(self, above: Sequence[Timeline], below: Sequence[Timeline]) -> None:
        places = [*above, *below]
        direct = [each for each in places if each.peer is not None]
        self.display = bool(places)
        count = f"{len(direct)} direct" if direct else f"{len(places)} unread"
        self.update(Content(f"{'↓' if below else '↑'} {count}"))

    @on(events.Click)
    def _clicked(self) -> None:
        self.post_message(self.Pressed())


class ChannelList(RowList):
    """Shows the channels, then the conversations."""

    WHERE = Where.CHANNELS
    BINDINGS = bindings(WHERE)

    class Scrolled(Message):
        """Other rows are in view."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._unread: dict[int, Timeline] = {}
        """The places with a badge, by their line."""

    def show(
        self, timelines: Iterable[Timeline], current: str, drafts: Container[str], is_muted: Callable[[str], bool]
    ) -> None:
        """Draw the list; a place with a draft is marked, unless the composer shows it, and a muted one has no badge."""
        timelines = [*timelines]
        channels = [each for each in timelines if each.peer is None]
        people = [each for each in timelines if each.peer is not None]
        muted = {each.id for each in timelines if is_muted(each.id)}
        row = lambda each: _row(each, draft=each.id in drafts and each.id != current, muted=each.id in muted)  # noqa: E731
        rows = [
            ListRow("", Content.styled("CHANNELS", Style(dim=True))),
            *map(row, channels),
        ]
        if people:
            rows += [ListRow("", Content("")), ListRow("", Content.styled("DIRECT", Style(dim=True)))]
            rows += map(row, people)
        badges = {each.id: each for each in timelines if each.unread and each.id not in muted}
        self._unread = {line: badges[each.id] for line, each in enumerate(rows) if each.id in badges}
        self.show_rows(rows, current)

    @property
    def out_of_view(self) -> tuple[list[Timeline], list[Timeline]]:
        """Return the places with unread messages above and below what is in view."""
        first = self.scroll_offset.y
        end = first + self.scrollable_content_region.height
        above = [each for line, each in self._unread.items() if line < first]
        return above, [each for line, each in self._unread.items() if line >= end]

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Post that other rows are in view."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Scrolled())

    def action_leave(self) -> None:
        self.post_message(BackToWriting())


def _row(timeline: Timeline, *, draft: bool, muted: bool) -> ListRow:
    label, mark = timeline.title, DRAFT if draft else ""
    if muted:
        return ListRow(timeline.id, Content.styled(label, Style(dim=True)), Content(mark))
    if not timeline.unread:
        return ListRow(timeline.id, Content(label), Content(mark))
    personal = timeline.mentions or timeline.peer is not None
    shown = f" {MENTIONED if timeline.mentions else ''}{shown_count(timeline.unread)} "
    badge = Content.styled(shown, PERSONAL if personal else "bold $text on $accent 60%")
    return ListRow(timeline.id, Content.styled(label, Style(bold=True)), Content.assemble(mark, badge))
