"""The list of channels and conversations on the left, with unread counts."""

from collections.abc import Callable, Container, Iterable, Sequence

from msgspec import Struct
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.widgets import Static

from server.protocol import target
from tui.client.timeline import Timeline, title_of
from tui.client.unread import shown_count
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.backdrop import first_line
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow, Row
from tui.fullscreen.widgets.show_text import show_text
from tui.fullscreen.widgets.widget_messages import BackToWriting, PlaceWanted, UnreadWanted

DRAFT = "✎"
MENTIONED = "@"
"""Sign before the count of a place where the user was mentioned."""
PERSONAL = "bold reverse $warning"


class UnreadOutOfView(Static):
    """Counts the places with unread messages that are scrolled out of view."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)

    def count_places(self, above: Sequence[Timeline], below: Sequence[Timeline]) -> None:
        places = [*above, *below]
        direct = [each for each in places if each.peer is not None]
        self.display = bool(places)
        count = f"{len(direct)} direct" if direct else f"{len(places)} unread"
        show_text(self, Content(f"{'↓' if below else '↑'} {count}"))

    @on(events.Click)
    def _clicked(self) -> None:
        self.post_message(UnreadWanted())


class PlaceRow(Struct, frozen=True, gc=False):
    """A channel or conversation, and what is new there."""

    id: str
    name: str
    draft: bool
    muted: bool
    """True if the user has turned off notifications from it; it then has no badge."""
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


class PlaceColumn:
    """A list of places: fills a `RowList`, and knows which of its lines have unread messages."""

    def __init__(self, heading: str, rows: RowList) -> None:
        self.rows = rows
        self._heading = heading
        self._current = ""
        self._unread: dict[int, Timeline] = {}
        """The places with a badge, by their line."""

    def fill(self, places: Sequence[Timeline], current: str, drafts: Container[str], muted: Container[str]) -> None:
        """Draw the list; a place with a draft is marked, unless the composer shows it, and a muted one has no badge."""
        rows: list[Row] = [ListRow("", Content.styled(self._heading, Style(dim=True)))]
        rows += [_row(each, draft=each.id in drafts and each.id != current, muted=each.id in muted) for each in places]
        self._unread = {at: each for at, each in enumerate(places, 1) if each.unread and each.id not in muted}
        # The user moves the highlight while the list has the focus.
        opened, self._current = current != self._current, current
        self.rows.show_rows(rows, current if opened or not self.rows.has_focus else None)
        if self.rows.chosen != current and not self.rows.has_focus:
            # The other list has the current place.
            self.rows.highlighted = None
        # No list grows beyond its rows; if both are longer than half of the lines, each gets half.
        self.rows.styles.max_height = len(rows) + self.rows.gutter.height

    @property
    def out_of_view(self) -> tuple[list[Timeline], list[Timeline]]:
        """The places with unread messages above and below what is in view."""
        first = self.rows.scroll_offset.y
        end = first + self.rows.scrollable_content_region.height
        above = [each for line, each in self._unread.items() if line < first]
        return above, [each for line, each in self._unread.items() if line >= end]


class PlaceLists(Vertical):
    """The channels, and below them the conversations, which stay in sight however many channels there are."""

    WHERE = Where.CHANNELS
    BINDINGS = bindings(WHERE)

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        channels, conversations = (RowList(id=name, leave=self._leave) for name in ("channels", "conversations"))
        conversations.display = False
        self._columns = PlaceColumn("CHANNELS", channels), PlaceColumn("DIRECT", conversations)
        self._out_of_view = UnreadOutOfView(id="out-of-view")
        self._out_of_view.display = False

    def compose(self) -> ComposeResult:
        yield from (each.rows for each in self._columns)
        yield self._out_of_view

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of the background, which are all the same: only the first is rendered."""
        return super().render_lines(first_line(crop)) * crop.height

    def show_places(
        self, timelines: Iterable[Timeline], current: str, drafts: Container[str], is_muted: Callable[[str], bool]
    ) -> None:
        """Draw both lists."""
        places: tuple[list[Timeline], list[Timeline]] = [], []
        muted = set()
        for each in timelines:
            places[target.is_conversation(each.id)].append(each)
            if is_muted(each.id):
                muted.add(each.id)
        for column, shown in zip(self._columns, places, strict=True):
            # Without conversations there is no heading for them either.
            column.rows.display = bool(shown) or shown is places[0]
            column.fill(shown, current, drafts, muted)

    @on(RowList.Moved)
    def count_out_of_view(self) -> None:
        """Count the places with unread messages that are scrolled out of view."""
        views = [each.out_of_view for each in self._columns if each.rows.display]
        above, below = ([each for view in views for each in view[side]] for side in (0, 1))
        self._out_of_view.count_places(above, below)

    def _leave(self, by: int) -> bool:
        """Move the focus from the edge of one list to the other list; return False if that is hidden."""
        other = next(each.rows for each in self._columns if not each.rows.has_focus)
        if not other.display:
            return False
        self.screen.set_focus(other)
        if by > 0:
            other.action_first()
        else:
            other.action_last()
        return True

    @on(RowList.Selected)
    def _selected(self, event: RowList.Selected) -> None:
        self.post_message(PlaceWanted(event.id))

    def action_select(self) -> None:
        """Open the highlighted place."""
        for column in self._columns:
            if column.rows.has_focus:
                column.rows.action_select()

    def action_leave(self) -> None:
        self.post_message(BackToWriting())


def _row(place: Timeline, *, draft: bool, muted: bool) -> PlaceRow:
    return PlaceRow(place.id, place.name, draft, muted, place.unread, place.mentions)
