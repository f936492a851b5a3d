"""Draws the rows of a list as lines of the screen, and caches them."""

from textual.content import Content
from textual.geometry import Spacing
from textual.strip import Strip
from textual.style import Style
from textual.visual import Padding, Visual
from textual.widget import Widget

from tui.fullscreen.widgets.rows import Row

SIDES = Spacing(0, 1, 0, 1)
"""The blank cells beside each row."""
MOST_DRAWN = 500
"""The maximum number of rows that are cached as drawn."""


class RowStrips:
    """The drawn rows of one widget."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._drawn: dict[tuple[str, int, Style], tuple[Row, list[Strip]]] = {}
        """Rows as they were drawn, by ID, width and style."""

    def of(self, row: Row, width: int, style: Style) -> list[Strip]:
        """Return the lines of a row; draw it if it has changed."""
        known = self._drawn.get((row.id, width, style))
        if known and known[0] == row:
            return known[1]
        if len(self._drawn) >= MOST_DRAWN:
            self._drawn.clear()
        strips = [self._strip(each, width, style) for each in row.content().fit(width - SIDES.width)]
        self._drawn[row.id, width, style] = row, strips
        return strips

    def clear(self) -> None:
        """Clear the cache after the styles of the widget have changed."""
        self._drawn.clear()

    def _strip(self, content: Content, width: int, style: Style) -> Strip:
        strips = Visual.to_strips(self._widget, Padding(content, SIDES), width, 1, style)
        return strips[0].extend_cell_length(width, style.rich_style) if strips else Strip.blank(width, style.rich_style)
