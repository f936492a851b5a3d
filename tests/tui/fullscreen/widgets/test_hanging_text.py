"""A text stays to the right of its head."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from tui.fullscreen.widgets.hanging_text import Hanging

HEAD = "⚑ 12:05 "


@given(st.text("ab 12:05»灯\n", min_size=1), st.integers(2 * len(HEAD), 60))
def test_no_line_of_a_text_begins_where_the_head_does(text: str, width: int) -> None:
    hanging = Hanging(Content(HEAD), Content(text))
    first, *others = hanging.wrapped(width).plain.split("\n")
    assert first.startswith(HEAD)
    assert all(line.startswith(" " * len(HEAD)) for line in others)
    assert all(cell_len(line.rstrip()) <= width for line in (first, *others))
    assert hanging.get_height({}, width) == 1 + len(others)


def test_a_narrow_terminal_has_no_column_for_the_head() -> None:
    assert Hanging(Content(HEAD), Content("hello")).wrapped(2 * len(HEAD) - 1).plain == HEAD + "hello"
