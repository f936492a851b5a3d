"""Breaks the rows of an entry into lines of the screen: counted at once, and cut when they are painted."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace
from rich._wrap import divide_line
from rich.cells import cell_len

from tui.fullscreen.timeline.entry_rows import Row

MOST_CELLS = 2
"""The maximum width of one character."""


class TextLine(NamedTuple):
    """A wrapped line, and what separates it from the previous one (newline or spaces)."""

    gap: str
    row: Row


class WrappedRows:
    """The lines of an entry, broken between words, or within a word that is longer than a line."""

    def __init__(self, rows: Sequence[Row], leads: tuple[Row, Row], width: int) -> None:
        """`leads`: the columns left of the text, on the first line and on the others; `width`: that of the text."""
        self._rows = rows
        self._first, self._others = leads
        self._places: dict[int, list[tuple[int, int]]] = {}
        """Start and end of each line of the rows that do not fit into one."""
        self._cut: dict[int, list[TextLine]] = {}
        self._numbers: list[tuple[int, int]] = []
        """The row of each line, and which part of it the line is."""
        for number, row in enumerate(rows):
            if _fits(row, width):
                self._numbers.append((number, 0))
            else:
                places = self._places[number] = _breaks("".join(run.text for run in row), width)
                self._numbers += [(number, part) for part in range(len(places))]

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[TextLine]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, at: int) -> TextLine:
        number, part = self._numbers[at]
        gap, row = self._line(number, part)
        return TextLine(gap, [*(self._others if number or part else self._first), *row])

    def _line(self, number: int, part: int) -> TextLine:
        if number not in self._places:
            return TextLine("\n", self._rows[number])
        if number not in self._cut:
            self._cut[number] = list(_lines(self._rows[number], self._places[number]))
        return self._cut[number][part]


def copied(row: Row, start: int, end: int) -> str:
    """Return what was typed for these characters of a row."""
    found, at = "", 0
    for run in row:
        if run.source is None:
            found += run.text[max(0, start - at) : max(0, end - at)]
        elif start <= at < end:
            found += run.source
        at += len(run.text)
    return found


def _fits(row: Row, width: int) -> bool:
    text = row[0].text if len(row) == 1 else "".join(run.text for run in row)
    return MOST_CELLS * len(text) <= width or cell_len(text) <= width


def _breaks(text: str, width: int) -> list[tuple[int, int]]:
    """Return start and end of each line; the spaces between two lines belong to neither."""
    edges = [0, *divide_line(text, width), len(text)]
    ends = [start + len(text[start:end].rstrip()) for start, end in pairwise(edges[:-1])]
    return list(zip(edges, [*ends, len(text)], strict=False))


def _lines(row: Row, places: Sequence[tuple[int, int]]) -> Iterator[TextLine]:
    between = _cuts(row, [(end, start) for (_, end), (start, _) in pairwise(places)])
    gaps = ["\n", *(_source(part) for part in between)]
    return map(TextLine, gaps, _cuts(row, places))


def _cuts(row: Row, places: Iterable[tuple[int, int]]) -> Iterator[Row]:
    """Yield the parts of a row at these ascending (start, end) positions."""
    number = at = 0
    for start, end in places:
        runs = []
        while number < len(row):
            run = row[number]
            if part := run.text[max(0, start - at) : max(0, end - at)]:
                # What is copied instead of a run belongs to its first part.
                source = "" if run.source is not None and start > at else run.source
                runs.append(replace(run, text=part, source=source))
            if at + len(run.text) > end:
                break
            number, at = number + 1, at + len(run.text)
        yield runs


def _source(row: Row) -> str:
    """Return what was typed for a row."""
    return "".join(run.text if run.source is None else run.source for run in row)
