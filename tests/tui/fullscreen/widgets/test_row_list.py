"""A list of rows: rows are created when they are seen; highlight and scroll position follow the rows by ID."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from msgspec import Struct
from textual import on
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot
from textual.strip import Strip

from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow, Row

HEIGHT = 10
MANY = 1_000
MADE: list[str] = []
"""The IDs of the rows that were made."""


@pytest.fixture(autouse=True)
def drawn_when_looked_at() -> None:
    """Draw each change, as what is drawn is counted."""


class CountedRow(Struct, frozen=True):
    """A row that counts how often it is made."""

    id: str
    text: str = ""
    lines: int = 1

    def content(self) -> ListRow:
        MADE.append(self.id)
        below = Content("  below") if self.lines > 1 else Content("")
        return ListRow(self.id, Content(f"{self.id} {self.text}"), below=below)


class CountedList(RowList):
    """A list that records which of its lines were painted."""

    def __init__(self) -> None:
        super().__init__(id="list")
        self.painted: list[int] = []

    def render_line(self, y: int) -> Strip:
        self.painted.append(y)
        return super().render_line(y)


class Lists(App[None]):
    """A list, and what it posted."""

    CSS = "RowList { height: 1fr; }"
    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self.list = CountedList()
        self.highlighted: list[str] = []
        self.selected: list[str] = []
        self.layouts: list[object] = []

    def compose(self) -> ComposeResult:
        yield self.list

    @on(RowList.Highlighted)
    def _highlighted(self, event: RowList.Highlighted) -> None:
        self.highlighted.append(event.id)

    @on(RowList.Selected, "#list")
    def _selected(self, event: RowList.Selected) -> None:
        self.selected.append(event.id)

    @property
    def lines(self) -> list[str]:
        """Return the lines on the screen."""
        return [self.list.render_line(y).text.strip() for y in range(HEIGHT)]


def numbered(numbers: Sequence[int], changed: int = -1) -> list[Row]:
    heading: list[Row] = [ListRow("", Content("HEADING"))]
    return [*heading, *(CountedRow(f"{each:04}", "new" if each == changed else "") for each in numbers)]


@asynccontextmanager
async def shown(rows: Sequence[Row]) -> AsyncIterator[tuple[Pilot[None], Lists]]:
    """Yield a list with these rows, and nothing counted yet."""
    app = Lists()
    async with app.run_test(size=(30, HEIGHT)) as pilot:
        app.list.show_rows(rows)
        await pilot.pause()
        MADE.clear()
        app.list.painted.clear()
        app.highlighted.clear()
        # Immediately: otherwise a layout at the end of a pause is recorded only after it.
        app.screen.screen_layout_refresh_signal.subscribe(app.screen, app.layouts.append, immediate=True)
        yield pilot, app


async def test_only_rows_in_view_are_created_and_only_changed_ones_are_created_again() -> None:
    async with shown(numbered(range(MANY))) as (pilot, app):
        app.list.show_rows(numbered(range(MANY), changed=3))
        await pilot.pause()
        assert MADE == ["0003"]
        assert app.list.painted == [4]
        app.list.show_rows(numbered(range(MANY), changed=500))
        await pilot.pause()
        # The row has its earlier content again.
        assert MADE == ["0003", "0003"]
        assert app.list.painted == [4, 4]
        app.list.show_rows(numbered([*range(MANY), MANY]))
        await pilot.pause()
        assert MADE == ["0003", "0003"]
        assert app.list.painted == [4, 4]
        app.list.scroll_to(y=500, animate=False)
        await pilot.pause()
        assert sorted(MADE[2:]) == [f"{each:04}" for each in range(499, 499 + HEIGHT)]
        assert not app.layouts


async def test_the_rows_in_view_stay_in_place_when_rows_above_appear_or_vanish() -> None:
    async with shown(numbered(range(100, 200))) as (pilot, app):
        await pilot.press("tab", *["down"] * 20)
        await pilot.pause()
        assert app.list.chosen == "0120"
        before = app.lines
        app.list.show_rows(numbered([*range(50), *range(100, 200)]))
        await pilot.pause()
        assert app.lines == before
        assert app.list.chosen == "0120"
        app.list.show_rows(numbered(range(110, 200)))
        await pilot.pause()
        assert app.lines == before
        # The highlighted row is gone, and so is the highlight.
        app.list.show_rows(numbered(range(150, 160)))
        assert app.list.chosen is None
        app.list.show_rows(numbered(range(150, 160)), "0155")
        assert app.list.chosen == "0155"


async def test_a_resized_list_keeps_a_visible_highlight_in_view_but_does_not_scroll_to_a_hidden_one() -> None:
    async with shown(numbered(range(100))) as (pilot, app):
        await pilot.press("tab", *["down"] * (HEIGHT - 2))
        await pilot.resize_terminal(30, HEIGHT - 3)
        await pilot.pause()
        assert app.list.chosen == "0008"
        assert app.lines[HEIGHT - 4] == "0008"
        app.list.scroll_to(y=50, animate=False)
        await pilot.resize_terminal(30, HEIGHT - 1)
        await pilot.pause()
        assert app.lines[0] == "0049"


async def test_keys_skip_headings_and_wrap_around() -> None:
    async with shown([*numbered(range(5)), *numbered(range(5, 30))]) as (pilot, app):
        moves = {"tab": "0000", "up": "0029", "down": "0000", "end": "0029", "home": "0000"}
        moves |= {"pagedown": "0009", "pageup": "0000"}
        for key, chosen in moves.items():
            await pilot.press(key)
            assert app.list.chosen == chosen, key
        assert app.highlighted == list(moves.values())
        # The first row brings its heading with it.
        assert app.lines[0] == "HEADING"
        await pilot.press(*["down"] * 5)
        # From the last row of the first part to the first one of the second.
        assert app.list.chosen == "0005"
        app.list.show_rows([])
        await pilot.press("down", "end", "pageup")
        assert app.list.chosen is None


async def test_the_mouse_highlights_a_row_and_selects_it() -> None:
    async with shown([*numbered(range(3)), CountedRow("tall", lines=2), CountedRow("last")]) as (pilot, app):
        assert app.lines[4:7] == ["tall", "below", "last"]
        plain = [segment.style for segment in app.list.render_line(5)]
        await pilot.hover(RowList, (3, 4))
        await pilot.pause()
        # The second line of a row belongs to it.
        assert [segment.style for segment in app.list.render_line(5)] != plain
        await pilot.click(RowList, (3, 5))
        await pilot.click(RowList, (3, 0))
        await pilot.click(RowList, (3, 6))
        await pilot.click(RowList, (3, 8))
        assert app.selected == ["tall", "last"]
        assert app.list.chosen == "last"


async def test_a_list_lays_out_the_screen_only_when_its_scrollbar_appears() -> None:
    async with shown(numbered(range(3))) as (pilot, app):
        app.list.show_rows(numbered(range(5)))
        await pilot.pause()
        assert not app.layouts
        app.list.show_rows(numbered(range(HEIGHT)))
        await pilot.pause()
        assert app.layouts
        assert app.lines[-1] == "0008"
