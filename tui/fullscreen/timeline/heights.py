"""Heights of stacked items: finds the item at a line, and the lines of an item."""

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate

FEW = 1000
"""Up to this number, heights are inserted one by one; beyond it, all sums are computed again."""


class Heights:
    """Heights in lines, never negative, in a Fenwick tree: changing, appending and finding one takes O(log n)."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights = array("q", heights)
        self._sums = self._summed()

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, number: int) -> int:
        return self._heights[number]

    @property
    def total(self) -> int:
        """Total height in lines."""
        return self.start(len(self))

    def start(self, number: int) -> int:
        """Return the number of lines above an item; for `len(self)`, the total."""
        lines = 0
        while number:
            lines += self._sums[number - 1]
            number &= number - 1
        return lines

    def at(self, line: int) -> int:
        """Return the item at a line. Requires 0 <= line < total."""
        number, step = 0, 1 << len(self).bit_length()
        while step := step >> 1:
            if number + step <= len(self) and self._sums[number + step - 1] <= line:
                number += step
                line -= self._sums[number - 1]
        return number

    def put(self, number: int, height: int) -> None:
        """Change the height of one item."""
        more = height - self._heights[number]
        self._heights[number] = height
        number += 1
        while more and number <= len(self):
            self._sums[number - 1] += more
            number += number & -number

    def splice(self, at: int, removed: int, heights: Sequence[int]) -> None:
        """Replace `removed` heights from `at` on with others; cheap near the end, O(n) further up."""
        if removed == len(heights):
            for number, height in enumerate(heights, at):
                self.put(number, height)
            return
        moved = array("q", heights) + self._heights[at + removed :]
        del self._heights[at:], self._sums[at:]
        if len(moved) > FEW:
            self._heights += moved
            self._sums = self._summed()
            return
        for height in moved:
            self._append(height)

    def _append(self, height: int) -> None:
        self._heights.append(height)
        number, step = len(self), 1
        while not number & step:
            height += self._sums[number - step - 1]
            step <<= 1
        self._sums.append(height)

    def _summed(self) -> "array[int]":
        """Return the Fenwick sums: for each n from 1, the sum of the last k of n heights; k is n's lowest set bit."""
        until = [0, *accumulate(self._heights)]
        return array("q", [until[number] - until[number & (number - 1)] for number in range(1, len(until))])
