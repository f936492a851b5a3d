"""The index of heights gives the same answers as a plain list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.fullscreen.timeline import heights as module
from tui.fullscreen.timeline.heights import Heights

LISTS = st.lists(st.integers(0, 5), max_size=40)


def agree(heights: Heights, plain: list[int]) -> None:
    assert [heights[number] for number in range(len(heights))] == plain
    assert heights.total == sum(plain)
    assert [heights.start(number) for number in range(len(plain) + 1)] == [
        sum(plain[:number]) for number in range(len(plain) + 1)
    ]
    lines = [number for number, height in enumerate(plain) for _ in range(height)]
    assert [heights.at(line) for line in range(sum(plain))] == lines


@given(LISTS)
def test_each_line_finds_its_number_and_each_number_its_lines(plain: list[int]) -> None:
    agree(Heights(plain), plain)


@given(LISTS.filter(bool), st.data())
def test_the_index_follows_a_changed_height(plain: list[int], data: st.DataObject) -> None:
    heights = Heights(plain)
    number, height = data.draw(st.integers(0, len(plain) - 1)), data.draw(st.integers(0, 9))
    heights.put(number, height)
    plain[number] = height
    agree(heights, plain)


@given(LISTS, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), LISTS), max_size=5), st.booleans())
def test_any_heights_can_replace_any_others(
    plain: list[int], changes: list[tuple[int, int, list[int]]], one_by_one: bool
) -> None:
    heights = Heights(plain)
    with pytest.MonkeyPatch.context() as patch:
        # Both ways must give the same result.
        patch.setattr(module, "FEW", 1000 if one_by_one else -1)
        for at, removed, added in changes:
            at = min(at, len(plain))
            removed = min(removed, len(plain) - at)
            heights.splice(at, removed, added)
            plain[at : at + removed] = added
            agree(heights, plain)


def test_heights_added_one_by_one_equal_those_added_at_once() -> None:
    together = Heights([number % 7 for number in range(100_000)])
    heights = Heights()
    for number in range(100_000):
        heights.splice(number, 0, [number % 7])
    for line in range(0, heights.total, 997):
        assert heights.at(line) == together.at(line)
    assert heights.total == together.total
