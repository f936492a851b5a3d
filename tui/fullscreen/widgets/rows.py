"""Lists of rows: content on the left, a short remark on the right, and optionally a line below."""

import re

from msgspec import Struct
from rich.cells import cell_len
from textual import events, on
from textual.binding import Binding
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

LAST_NUMBER = re.compile(r"\d+(?=\D*$)")
BEGINNING = 4
"""Cells of a shortened text before its number, with the ellipsis."""


class ListRow(Struct, frozen=True):
    """A row with its ID; a heading has the ID "" and cannot be chosen. `below` is shown on a line of its own."""

    id: str
    left: Content
    right: Content = Content("")
    below: Content = Content("")

    def fit(self, width: int) -> Content:
        """Fit both sides into `width` cells, shortening the left one if necessary."""
        # A badge has a space of its own at its left.
        gap = 1 if self.right and not self.right.plain.startswith(" ") else 0
        left = shortened(self.left, width - self.right.cell_length - gap)
        row = Content.assemble(left, " " * max(gap, width - left.cell_length - self.right.cell_length), self.right)
        return Content.assemble(row, "\n", self.below.truncate(max(1, width), ellipsis=True)) if self.below else row

    def is_same(self, other: "ListRow") -> bool:
        """Return whether both rows have the same ID and look the same."""
        mine, others = (self.left, self.right, self.below), (other.left, other.right, other.below)
        return self.id == other.id and all(one.is_same(two) for one, two in zip(mine, others, strict=True))


def shortened(text: Content, width: int) -> Content:
    """Cut a text to a width in cells; where the cut would take its last number, it is made before that number.

    Names that differ only by a number would look the same otherwise.
    """
    width = max(1, width)
    number = LAST_NUMBER.search(text.plain)
    fits = text.cell_length <= width
    if fits or number is None or cell_len(text.plain[: number.end()]) < width or len(number[0]) > width - BEGINNING:
        return text.truncate(width, ellipsis=True)
    tail = text[number.start() :].truncate(max(1, width - BEGINNING), ellipsis=True)
    return Content.assemble(text.truncate(max(1, width - tail.cell_length), ellipsis=True), tail)


class RowList(OptionList, inherit_bindings=False):
    """A list that is rebuilt only when its rows or its width change, and that keeps the highlight by ID."""

    # The context of the list shows in the footer what Enter does; OptionList's own binding would hide that.
    BINDINGS = [  # noqa: RUF012 - Textual declares it so
        each for each in OptionList.BINDINGS if isinstance(each, Binding) and each.key != "enter"
    ]

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False, compact=True)
        self._rows: list[ListRow] = []
        self._row_width = 0

    @property
    def chosen(self) -> str | None:
        """The ID of the highlighted row."""
        return self.highlighted_option.id if self.highlighted_option else None

    def show_rows(self, rows: list[ListRow], highlight: str | None = None) -> None:
        """Show rows; highlight the given one, or the same as before."""
        width = self.scrollable_content_region.width - 2
        same = len(rows) == len(self._rows) and all(
            one.is_same(other) for one, other in zip(rows, self._rows, strict=True)
        )
        keep = highlight or self.chosen
        if width != self._row_width or not same:
            self._rows, self._row_width = rows, width
            self.clear_options()
            self.add_options(Option(row.fit(width), id=row.id or None, disabled=not row.id) for row in rows)
        number = next((at for at, row in enumerate(rows) if row.id and row.id == keep), None)
        if number is not None and self.highlighted != number:
            self.highlighted = number

    @on(events.Focus)
    def _highlight_first(self) -> None:
        """Highlight the first row if there is no highlight, so that the arrow keys have one to move."""
        if self.highlighted is None:
            self.action_first()

    @on(events.Resize)
    def _refit(self) -> None:
        """Fit the rows to the new width."""
        self.show_rows(self._rows)
