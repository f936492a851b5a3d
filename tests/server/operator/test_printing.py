"""What users wrote is shown on one line and cannot control the administrator's terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.operator.printing import short, span, table
from server.protocol.characters import in_one_line

FAMILY = "\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain *text*", "plain *text*"),
        ("two\nlines\tand\r\nmore", "two lines and more"),
        ("\x1b]52;c;x\x07", "\ufffd]52;c;x\ufffd"),
        ("\x9b31m", "\ufffd31m"),
        ("gpj\u202eexe", "gpj\ufffdexe"),
        ("a\u200bb", "a\ufffdb"),
        ("\ud800", "\ufffd"),
        (FAMILY, FAMILY),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a" + "\u0301" * 50, "a" + "\u0301" * 6),
    ],
)
def test_control_and_invisible_characters_are_replaced(text: str, expected: str) -> None:
    assert in_one_line(text) == expected


@given(st.text(st.characters()))
def test_nothing_that_is_shown_can_move_the_cursor(text: str) -> None:
    assert not any(
        ord(char) < 32 or 127 <= ord(char) < 160 or 0xD800 <= ord(char) < 0xE000 for char in in_one_line(text)
    )


def test_a_cell_that_is_too_long_is_cut() -> None:
    assert short("x" * 61) == "x" * 59 + "…"
    assert short("x" * 60) == "x" * 60


def test_columns_are_aligned_even_with_wide_characters() -> None:
    lines = table(["NAME", "IS"], [["日本", "on"], ["a", "off"], [FAMILY, "on"]]).split("\n")
    assert lines == ["NAME  IS", "日本  on", "a     off", f"{FAMILY}  on"]


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(-5, "0 ms"), (999, "999 ms"), (1000, "1 s"), (90_000, "1 min"), (90_000_000, "1 d")]
)
def test_a_duration_is_shown_in_its_largest_unit(milliseconds: int, text: str) -> None:
    assert span(milliseconds) == text
