"""The list of channels and conversations on the left, with unread counts."""

from collections.abc import Callable, Container, Iterable, Sequence

from msgspec import Struct
from textual import events, on
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from server.protocol import target
from tui.client.timeline import Timeline, title_of
from tui.client.unread import shown_count
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow, Row
from tui.fullscreen.widgets.show_text import show_text
from tui.fullscreen.widgets.widget_messages import BackToWriting

DRAFT = "✎"
MENTIONED = "@"
"""Before the count of a place where the user was named."""
PERSONAL = "bold reverse $warning"


class UnreadOutOfView(Static):
    """Counts the places with unread messages that are scrolled out of view."""

    class Wanted(Message):
        """The user wants to open one of them."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)

    def show(self, above: Sequence[Timeline], below: Sequence[Timeline]) -> None:
        places = [*above, *below]
        direct = [each for each in places if each.peer is not None]
        self.display = bool(places)
        count = f"{len(direct)} direct" if direct else f"{len(places)} unread"
        show_text(self, Content(f"{'↓' if below else '↑'} {count}"))

    @on(events.Click)
    def _clicked(self) -> None:
        self.post_message(self.Wanted())


class PlaceRow(Struct, frozen=True, gc=False):
    """A channel or conversation, and what is new there."""

    id: str
    name: str
    draft: bool
    muted: bool
    """True if the user wants no notifications from it; it then has no badge."""
    unread: int
    mentions: int

    @property
    def lines(self) -> int:
        return 1

    def content(self) -> ListRow:
        title, mark = title_of(self.id, self.name), DRAFT if self.draft else ""
        if self.muted:
            return ListRow(self.id, Content.styled(title, Style(dim=True)), Content(mark))
        if not self.unread:
            return ListRow(self.id, Content(title), Content(mark))
        personal = self.mentions or target.is_conversation(self.id)
        shown = f" {MENTIONED if self.mentions else ''}{shown_count(self.unread)} "
        badge = Content.styled(shown, PERSONAL if personal else "bold $text on $accent 60%")
        return ListRow(self.id, Content.styled(title, Style(bold=True)), Content.assemble(mark, badge))


class ChannelList(RowList):
    """Shows the channels."""

    WHERE = Where.CHANNELS
    BINDINGS = bindings(WHERE)
    HEADING = "CHANNELS"

    class Moved(Message):
        """Other rows are in view."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.other: ChannelList | None = None
        """The list that the arrow keys go on to after the last row, and before the first one."""
        self._current = ""
        self._unread: dict[int, Timeline] = {}
        """The places with a badge, by their line."""

    def fill(self, places: Sequence[Timeline], current: str, drafts: Container[str], muted: Container[str]) -> None:
        """Draw the list; a place with a draft is marked, unless the composer shows it, and a muted one has no badge."""
        rows: list[Row] = [ListRow("", Content.styled(self.HEADING, Style(dim=True)))]
        rows += [_row(each, draft=each.id in drafts and each.id != current, muted=each.id in muted) for each in places]
        self._unread = {at: each for at, each in enumerate(places, 1) if each.unread and each.id not in muted}
        # The user moves the highlight while the list has the focus.
        opened, self._current = current != self._current, current
        self.show_rows(rows, current if opened or not self.has_focus else None)
        if self.chosen != current and not self.has_focus:
            # The other list has the current place.
            self.highlighted = None
        # No list grows beyond its rows; if both are longer than half of the lines, each gets half.
        self.styles.max_height = len(rows) + self.gutter.height

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
        self.post_message(self.Moved())

    def action_cursor_down(self) -> None:
        if not self._go_on(from_row=len(self.rows) - 1):
            super().action_cursor_down()

    def action_cursor_up(self) -> None:
        if not self._go_on(from_row=1):
            super().action_cursor_up()

    def _go_on(self, *, from_row: int) -> bool:
        """Leave the row at the edge for the other list, if that shows anything; return whether it does."""
        if self.highlighted != from_row or self.other is None or not self.other.display:
            return False
        self.screen.set_focus(self.other)
        if from_row == 1:
            self.other.action_last()
        else:
            self.other.action_first()
        return True

    def action_leave(self) -> None:
        self.post_message(BackToWriting())


class ConversationList(ChannelList):
    """Shows the conversations."""

    HEADING = "DIRECT"


class PlaceLists(Vertical):
    """The channels, and below them the conversations, which stay in sight however many channels there are."""

    async def mount_lists(self) -> None:
        """Mount the lists; they are empty until the first `show()`."""
        channels, conversations = ChannelList(id="channels"), ConversationList(id="conversations")
        channels.other, conversations.other = conversations, channels
        out_of_view = UnreadOutOfView(id="out-of-view")
        conversations.display = out_of_view.display = False
        await self.mount(channels, conversations, out_of_view)

    def show(
        self, timelines: Iterable[Timeline], current: str, drafts: Container[str], is_muted: Callable[[str], bool]
    ) -> None:
        """Draw both lists."""
        channels: list[Timeline] = []
        people: list[Timeline] = []
        muted = set()
        for each in timelines:
            (people if target.is_conversation(each.id) else channels).append(each)
            if is_muted(each.id):
                muted.add(each.id)
        self.query_one(ChannelList).fill(channels, current, drafts, muted)
        conversations = self.query_one(ConversationList)
        conversations.display = bool(people)
        conversations.fill(people, current, drafts, muted)

    def count_out_of_view(self) -> None:
        """Count the places with unread messages that the lists do not show."""
        views = [each.out_of_view for each in self.query(ChannelList) if each.display]
        above, below = ([each for view in views for each in view[side]] for side in (0, 1))
        self.query_one(UnreadOutOfView).show(above, below)


def _row(place: Timeline, *, draft: bool, muted: bool) -> PlaceRow:
    return PlaceRow(place.id, place.name, draft, muted, place.unread, place.mentions)
