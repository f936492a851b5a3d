"""A list of rows, of which only those in view are drawn."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from tui.fullscreen.widgets.row_places import RowPlaces
from tui.fullscreen.widgets.row_strips import RowStrips
from tui.fullscreen.widgets.rows import Row


class RowList(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows rows, one of which can be highlighted and selected. Highlight and scroll position follow the rows by ID."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "cursor_down", "Down", show=False),
        Binding("end", "last", "Last", show=False),
        Binding("home", "first", "First", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("up", "cursor_up", "Up", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row-list--row", "row-list--heading", "row-list--highlighted", "row-list--hovered",
    }  # fmt: skip
    DEFAULT_CSS = """
    RowList {
        height: auto;
        max-height: 100%;
        overflow-x: hidden;
        text-wrap: nowrap;
        color: $foreground;
        background: $surface;
        & > .row-list--hovered { background: $block-hover-background; }
    }
    """

    highlighted: reactive[int | None] = reactive(None, repaint=False, init=False)
    """The position of the highlighted row."""
    _hovered: reactive[int | None] = reactive(None, repaint=False, init=False)
    """The position of the row below the mouse."""

    class Highlighted(Message):
        """A row is highlighted, or its neighbours have changed."""

        def __init__(self, row: str, number: int) -> None:
            """`row` is the ID of the row, `number` its position."""
            super().__init__()
            self.id, self.number = row, number

    class Selected(Message):
        """The user selected a row, by key or mouse."""

        def __init__(self, row: str, rows: "RowList") -> None:
            """`row` is the ID of the row."""
            super().__init__()
            self.id, self.rows = row, rows

        @property
        def control(self) -> "RowList":
            """The list, for the selectors of `on`."""
            return self.rows

    class Moved(Message):
        """The rows in view have changed."""

    def __init__(self, *, id: str, leave: Callable[[int], bool] = lambda _: False) -> None:  # noqa: A002 - Textual's name
        """`leave` is called when the highlight would pass the last row (1) or the first (-1).

        It returns whether it moved the focus elsewhere; if not, the highlight wraps around.
        """
        super().__init__(id=id)
        self._leave = leave
        self._rows: list[Row] = []
        self._places = RowPlaces()
        self._page_lines = 0
        """The height of the view at the last layout."""
        self._drawn = RowStrips(self)
        self.watch(self, "highlighted", self._highlight_moved, init=False)
        self.watch(self, "_hovered", self._hover_moved, init=False)

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    @property
    def chosen(self) -> str | None:
        """The ID of the highlighted row."""
        return self._rows[self.highlighted].id if self.highlighted is not None else None

    def show_rows(self, rows: Sequence[Row], highlight: str | None = None) -> None:
        """Show rows; highlight the given one, or the same as before."""
        before, keep, moved = self._rows, highlight or self.chosen, False
        if before != rows:
            seen, self._rows = self._in_view(), list(rows)
            places = RowPlaces(self._rows)
            if moved := places.sizes != self._places.sizes:
                self._place_rows(places)
            self._repaint(seen)
        number = self._places.position(keep) if moved or keep != self.chosen else self.highlighted
        if number is not None and number != self.highlighted:
            self.highlighted = number
        elif moved and self.highlighted is not None:
            self._post_highlighted(self.highlighted)

    def _place_rows(self, places: RowPlaces) -> None:
        """Move the rows; the row at the top of the view stays there, and the highlight stays on its row."""
        before, self._places = self._places, places
        top = self.scroll_offset.y
        first = before.at(top)
        chosen = before.sizes[self.highlighted][0] if self.highlighted is not None else None
        # At the beginning of the list, its beginning stays in view.
        anchor = None if first is None or not top else (before.sizes[first][0], top - before.tops[first])
        self._hovered = None
        self._measure()
        if anchor and (kept := places.position(anchor[0])) is not None:
            self.scroll_to(y=places.tops[kept] + anchor[1], animate=False, force=True, immediate=True)
        self.set_reactive(RowList.highlighted, places.position(chosen))

    def _measure(self) -> None:
        """Set the height of the content, and lay out the screen only if the list itself changes."""
        size = Size(self.scrollable_content_region.width, self._places.height)
        if size != self.virtual_size:
            # Setting it normally would always lay out the screen.
            self.set_reactive(RowList.virtual_size, size)
            self._scroll_update(size)
            if self.styles.auto_dimensions:
                self.refresh(layout=True)

    # Drawing.

    def _in_view(self) -> list[tuple[Row | None, int, bool]]:
        """Return the row at each line of the view, which of its lines that is, and whether it is highlighted."""
        found: list[tuple[Row | None, int, bool]] = []
        for line in range(self.scroll_offset.y, self.scroll_offset.y + self.size.height):
            number = self._places.at(line)
            found.append(
                (None, 0, False)
                if number is None
                else (self._rows[number], line - self._places.tops[number], number == self.highlighted)
            )
        return found

    def _repaint(self, seen: Sequence[tuple[Row | None, int, bool]]) -> None:
        """Redraw the lines of the view that have changed."""
        for at, (one, other) in enumerate(zip(seen, self._in_view(), strict=True)):
            if one != other:
                self.refresh_lines(self.scroll_offset.y + at)

    def _repaint_row(self, number: int | None) -> None:
        if number is not None and number < len(self._rows):
            self.refresh_lines(self._places.tops[number], self._rows[number].lines)

    def render_line(self, y: int) -> Strip:
        """Return a line of the view; its row is drawn only now."""
        line, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        number = self._places.at(line)
        strips = [] if number is None else self._drawn.of(self._rows[number], width, self._style(number))
        row = 0 if number is None else line - self._places.tops[number]
        # A terminal can be too narrow for a row.
        blank = Strip.blank(width, self.get_visual_style("row-list--row").rich_style)
        return strips[row] if row < len(strips) else blank

    def _style(self, number: int) -> Style:
        if not self._rows[number].id:
            return self.get_visual_style("row-list--row", "row-list--heading")
        if number == self.highlighted:
            return self.get_visual_style("row-list--row", "row-list--highlighted")
        if number == self._hovered:
            return self.get_visual_style("row-list--row", "row-list--hovered")
        return self.get_visual_style("row-list--row")

    def notify_style_update(self) -> None:
        """Draw all rows in the new style."""
        super().notify_style_update()
        self._drawn.clear()
        self.refresh()

    @on(events.Resize)
    def _fit(self) -> None:
        """Fit the rows to the new size; a highlight that was in view stays there."""
        self.post_message(self.Moved())
        self._measure()
        before, self._page_lines = self._page_lines, self.size.height
        line = 0 if self.highlighted is None else self._places.tops[self.highlighted] - self.scroll_offset.y
        if not before or 0 <= line < before:
            self.scroll_to_highlight()
        self.refresh()

    # The highlight.

    def _highlight_moved(self, before: int | None, highlighted: int | None) -> None:
        """Redraw the previous and the new highlighted row, and bring the new one into view."""
        self._repaint_row(before)
        self._repaint_row(highlighted)
        if highlighted is not None:
            self.scroll_to_highlight()
            self._post_highlighted(highlighted)

    def _post_highlighted(self, number: int) -> None:
        self.post_message(self.Highlighted(self._rows[number].id, number))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Announce that other rows have come into view."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Moved())

    @on(events.Show)
    def scroll_to_highlight(self) -> None:
        """Scroll as far as necessary to show the highlighted row, with a heading right above it."""
        # Before the first layout there is no view; a Resize follows.
        if self.highlighted is not None and self.size.height:
            number = self.highlighted
            first = number - 1 if number and not self._rows[number - 1].id else number
            top = self._places.tops[first]
            row = Region(0, top, max(1, self.virtual_size.width), self._places.tops[number + 1] - top)
            self.scroll_to_region(row, animate=False, force=True, immediate=True)

    @on(events.Focus)
    def _highlight_first(self) -> None:
        """Highlight the first row if there is no highlight, so that the arrow keys have one to move."""
        if self.highlighted is None:
            self.action_first()

    def action_cursor_down(self) -> None:
        """Highlight the next row; after the last one, the first."""
        choice = self._places.next_choice(self.highlighted)
        if choice < len(self._places.choices) or not self._leave(1):
            self._highlight(choice, wrap=True)

    def action_cursor_up(self) -> None:
        """Highlight the previous row; before the first one, the last."""
        choice = self._places.previous_choice(self.highlighted)
        if choice >= 0 or not self._leave(-1):
            self._highlight(choice, wrap=True)

    def action_first(self) -> None:
        self._highlight(0)

    def action_last(self) -> None:
        self._highlight(len(self._places.choices) - 1)

    def action_page_down(self) -> None:
        """Highlight the row a page further down."""
        if self.highlighted is None:
            self.action_last()
        else:
            self._page(1)

    def action_page_up(self) -> None:
        """Highlight the row a page further up."""
        if self.highlighted is None:
            self.action_first()
        else:
            self._page(-1)

    def _page(self, by: int) -> None:
        line = self._places.tops[self.highlighted or 0] + by * self.scrollable_content_region.height
        self._highlight(self._places.choice_near(line, by))

    def _highlight(self, choice: int, *, wrap: bool = False) -> None:
        """Highlight a row by its index in the rows that can be chosen; beyond an end, `wrap` around or stop there."""
        if choices := self._places.choices:
            choice = choice % len(choices) if wrap else max(0, min(choice, len(choices) - 1))
            self.highlighted = choices[choice]

    def action_select(self) -> None:
        """Select the highlighted row."""
        if self.chosen:
            self.post_message(self.Selected(self.chosen, self))

    # The mouse.

    def _under(self, event: events.MouseEvent) -> int | None:
        """Return the row under the mouse, if it can be chosen."""
        offset = event.get_content_offset(self)
        number = None if offset is None else self._places.at(offset.y + self.scroll_offset.y)
        return number if number is not None and self._rows[number].id else None

    @on(events.Click)
    def _clicked(self, event: events.Click) -> None:
        number = self._under(event)
        if number is not None:
            self.highlighted = number
            self.action_select()

    @on(events.MouseMove)
    def _moved_over(self, event: events.MouseMove) -> None:
        self._hovered = self._under(event)

    @on(events.Leave)
    def _left(self) -> None:
        self._hovered = None

    def _hover_moved(self, before: int | None, hovered: int | None) -> None:
        """Redraw the row that the mouse left, and the row that it is over."""
        self._repaint_row(before)
        self._repaint_row(hovered)
