"""The positions of the rows of a list: their lines, and which of them can be chosen."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from tui.fullscreen.widgets.rows import Row


class RowPlaces:
    """Rows by position, line and ID; headings cannot be chosen."""

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.sizes = [(row.id, row.lines) for row in rows]
        """The ID and the height of each row."""
        self.tops = [0, *accumulate(lines for _, lines in self.sizes)]
        """The first line of each row, and the number of all lines."""
        self.choices = [number for number, (name, _) in enumerate(self.sizes) if name]
        """The positions of the rows that can be chosen."""

    @property
    def height(self) -> int:
        """The number of lines."""
        return self.tops[-1]

    def at(self, line: int) -> int | None:
        """Return the position of the row at a line; None outside the list."""
        return bisect_right(self.tops, line) - 1 if 0 <= line < self.height else None

    def position(self, wanted: str | None) -> int | None:
        """Return the position of a row by its ID; None if there is none."""
        if not wanted:
            return None
        return next((number for number, (name, _) in enumerate(self.sizes) if name == wanted), None)

    def next_choice(self, number: int | None) -> int:
        """Return the index in `choices` of the first choice after a row; `len(choices)` if there is none."""
        return bisect_right(self.choices, -1 if number is None else number)

    def previous_choice(self, number: int | None) -> int:
        """Return the index in `choices` of the last choice before a row; -1 if there is none."""
        return bisect_left(self.choices, len(self.sizes) if number is None else number) - 1

    def choice_near(self, line: int, by: int) -> int:
        """Return the index in `choices` of the row at a line, or of the next choice in the direction of `by`."""
        number = self.at(max(0, min(line, self.height - 1))) or 0
        return bisect_left(self.choices, number) if by > 0 else bisect_right(self.choices, number) - 1
