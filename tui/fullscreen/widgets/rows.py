"""The rows of a list: content on the left, a short remark on the right, and optionally a line below."""

import re
from typing import Protocol, Self

from msgspec import Struct
from rich.cells import cell_len
from textual.content import Content

LAST_NUMBER = re.compile(r"\d+(?=\D*$)")
BEGINNING = 4
"""Cells of a shortened text before its number, including the ellipsis."""


class Row(Protocol):
    """A row whose content is created when it is needed. Rows that are equal look the same."""

    @property
    def id(self) -> str:
        """The ID; "" for a heading, which cannot be chosen."""

    @property
    def lines(self) -> int:
        """The height: 1, or 2 with a line below."""

    def content(self) -> "ListRow":
        """Return what is shown; called when the row scrolls into view."""


class ListRow(Struct, frozen=True, eq=False):
    """A row that has its content from the start."""

    id: str
    left: Content
    right: Content = Content("")
    below: Content = Content("")

    @property
    def lines(self) -> int:
        return 2 if self.below else 1

    def content(self) -> Self:
        return self

    def __eq__(self, other: object) -> bool:
        """Return whether both rows have the same ID and look the same; `Content` itself compares only the text."""
        if not isinstance(other, ListRow):
            return NotImplemented
        mine, others = (self.left, self.right, self.below), (other.left, other.right, other.below)
        return self.id == other.id and all(one.is_same(two) for one, two in zip(mine, others, strict=True))

    def __ne__(self, other: object) -> bool:
        # Struct's own method does not call __eq__.
        return not self == other

    def __hash__(self) -> int:
        return hash((self.id, self.left.plain))

    def fit(self, width: int) -> list[Content]:
        """Return the lines, with both sides fitted into `width` cells; the left one is shortened if necessary."""
        # A badge starts with a space of its own.
        gap = 1 if self.right and not self.right.plain.startswith(" ") else 0
        left = shortened(self.left, width - self.right.cell_length - gap)
        row = Content.assemble(left, " " * max(gap, width - left.cell_length - self.right.cell_length), self.right)
        return [row, self.below.truncate(max(1, width), ellipsis=True)] if self.below else [row]


def shortened(text: Content, width: int) -> Content:
    """Cut a text to a width in cells, but keep its last number.

    Otherwise, names that differ only by a number would look the same.
    """
    width = max(1, width)
    number = LAST_NUMBER.search(text.plain)
    fits = text.cell_length <= width
    if fits or number is None or cell_len(text.plain[: number.end()]) < width or len(number[0]) > width - BEGINNING:
        return text.truncate(width, ellipsis=True)
    tail = text[number.start() :].truncate(max(1, width - BEGINNING), ellipsis=True)
    return Content.assemble(text.truncate(max(1, width - tail.cell_length), ellipsis=True), tail)
