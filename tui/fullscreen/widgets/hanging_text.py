"""A text after a head, with a hanging indent: each of its lines starts to the right of the head."""

from textual.content import Content
from textual.css.styles import RulesMap
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import Static


class Hanging(Visual):
    """A head, and the text to the right of it."""

    def __init__(self, head: Content, text: Content) -> None:
        self._head = head
        self._text = text

    def __str__(self) -> str:
        return self._head.plain + self._text.plain

    def wrapped(self, width: int) -> Content:
        """Return head and text, wrapped to `width` cells."""
        if not (column := self._column(width)):
            return self._head + self._text
        return self._head + Content("\n" + " " * column).join(self._text.wrap(width - column))

    def _column(self, width: int) -> int:
        """Return the indent in cells; 0 if the width is too small for one."""
        column = self._head.cell_length
        return column if width >= 2 * column else 0

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        return self.wrapped(width).render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return self._head.cell_length + self._text.get_optimal_width(rules, container_width)

    def get_height(self, rules: RulesMap, width: int) -> int:
        column = self._column(width)
        return (self._text if column else self._head + self._text).get_height(rules, width - column)


class HangingText(Static):
    """Shows a head and a text with a hanging indent, so that no line of the text looks like a head."""

    def __init__(self, head: Content, text: Content, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        self._hanging = Hanging(head, text)
        super().__init__(self._hanging, id=id, markup=False)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text; Textual does so only for its own visuals."""
        return selection.extract(self._hanging.wrapped(self.content_size.width).plain), "\n"
