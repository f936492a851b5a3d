"""Rows of lists: what is cut, and what stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from tui.fullscreen.widgets.rows import ListRow, shortened

WORDS = st.text(st.characters(categories=("L", "Zs")), max_size=12)


@given(WORDS, WORDS, st.integers(1, 99), st.integers(12, 40), st.booleans())
def test_the_last_number_of_a_name_is_never_cut(before: str, behind: str, number: int, width: int, badge: bool) -> None:
    right = Content(" 13 ") if badge else Content("")
    (row,) = ListRow("id", Content(f"# {before}{number}{behind}"), right).fit(width)
    assert row.cell_length <= width
    assert str(number) in row.plain
    assert row.plain.endswith(right.plain)


@pytest.mark.parametrize(
    ("name", "width", "shown"),
    [
        ("# Channel 13", 12, "# Channel 13"),
        ("# Channel 13", 10, "# Chann…13"),
        ("# Channel 13 (north)", 12, "# C…13 (nor…"),
        ("# 2026 in review", 10, "# 2026 in…"),
        ("# Workshop", 9, "# Worksh…"),
        ("# 灯台 7", 6, "# 灯…7"),
        ("", 3, ""),
        ("# 1234567890", 5, "# 12…"),
    ],
)
def test_a_long_name_is_shortened_and_keeps_its_number(name: str, width: int, shown: str) -> None:
    assert shortened(Content(name), width).plain == shown
