"""How a message is drawn: marks in the margin, code, and what names the user."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.style import Style as Ink
from textual.color import Color
from textual.strip import Strip
from textual.style import Style

from server.protocol.codes import ReportState
from tui.client.entries import Line
from tui.config import Hours
from tui.fullscreen.timeline.blocks import FLAG, EntryBlock, LazyStrips, render
from tui.fullscreen.timeline.entry_rows import CONTINUES, MOST_TABS
from tui.fullscreen.timeline.look import FLAG_CELLS, Look, Styles
from tui.fullscreen.timeline.wrapping import copied
from tui.times import set_hours

CODE = Style(background=Color.parse("#202020"))
STYLES = Styles(Style(), Style(), CODE, Style(), Style(), Style(), Style(), Style(foreground=Color.parse("#e0af68")))
LIT, NAMED = Ink(bgcolor="#0000ff"), Ink(bgcolor="#303000")
LOOK = Look(40, STYLES, Ink(), lit=LIT, named=NAMED, reports=False, words=("ada", "deploy"))
WIDTH = LOOK.text_width
AT = datetime(2026, 3, 14, tzinfo=UTC)


def block(text: str, *, look: Look = LOOK, lit: bool = False, mine: bool = False) -> EntryBlock:
    line = Line(1, "bob", text, AT, mine)
    return render(line, look, above=None, before=line, lit=lit)


def texts(drawn: EntryBlock) -> list[str]:
    """Return each line of the message, without the empty end."""
    return [strip.text.rstrip() for strip in list(drawn.strips)[drawn.head :]]


def margins(drawn: EntryBlock) -> list[str]:
    """Return the margin of each line of the message."""
    return [strip.text[:3] for strip in list(drawn.strips)[drawn.head :]]


def backgrounds(drawn: EntryBlock, row: int) -> set[str]:
    """Return the background colours of the text of a row, up to the column of flags."""
    cells = drawn.strips[drawn.head + row].crop(3, 3 + WIDTH)
    return {each.style.bgcolor.name if each.style and each.style.bgcolor else "" for each in cells if each.text}


@pytest.mark.parametrize("text", ["thanks Ada!", "we deploy " + "now " * 20, "> ada» hi\nyes"])
def test_a_message_that_names_the_user_has_a_mark_and_a_background(text: str) -> None:
    drawn = block(text)
    assert margins(drawn)[0] == " @ "
    assert not any("@" in margin for margin in margins(drawn)[1:])
    assert all(backgrounds(drawn, row) == {"#303000"} for row in range(len(margins(drawn))))
    assert margins(block(text, lit=True))[0] == "@▌ "
    assert margins(block(text, look=replace(LOOK, compact=True)))[0] == " @ "


@pytest.mark.parametrize("text", ["canada", "nothing", "x@ada.example"])
def test_messages_that_do_not_name_the_user_have_no_mark(text: str) -> None:
    for drawn in (block(text), block("I am ada", mine=True)):
        assert margins(drawn)[0] == " • "
        assert backgrounds(drawn, 1) == {""}


@given(st.text(st.sampled_from("*_~`[]()<>!#|\\/ \n\tabcdeé字\"'.:-=1"), min_size=1, max_size=120))
@example("```insult\nhello\n```")
@example("[a](https://a.example) __init__ \\_(a)_/")
def test_everything_that_was_typed_is_on_the_screen_in_order(text: str) -> None:
    drawn = block(text)
    shown = iter("".join(strip.crop(3, 3 + WIDTH).text for strip in list(drawn.strips)[drawn.head + 1 :]))
    assert all(char in shown for char in text if not char.isspace())


def test_code_has_a_background_up_to_the_edge_even_where_it_is_wrapped() -> None:
    drawn = block("before\n```py\n" + "x" * 90 + "\n\n```\nafter `x`")
    rows = [backgrounds(drawn, row) for row in range(len(margins(drawn)))]
    # Author, "before", fence, three lines of code, empty line, fence, "after" with a word of code.
    assert rows == [{""}, {""}, *[{"#202020"}] * 6, {"", "#202020"}]
    assert [strip.cell_length for strip in drawn.strips] == [LOOK.width] * len(drawn.strips)


@pytest.mark.parametrize("width", [40, 106, 107, 108, 200, 300])
@pytest.mark.parametrize("compact", [False, True])
def test_text_is_at_most_a_hundred_columns_wide_and_the_flag_is_beside_it(width: int, compact: bool) -> None:
    look = replace(LOOK, width=width, reports=True, compact=compact)
    drawn = block("word " * 100, look=look)
    assert max(len(line.rstrip(f" {FLAG}")) for line in texts(drawn)) <= min(103, width - 4)
    (flagged,) = [line for line in texts(drawn) if FLAG in line]
    assert flagged.index(FLAG) == min(100, width - 7) + 4 == look.flag_at + 1
    assert {strip.cell_length for strip in drawn.strips} == {width}


@pytest.mark.parametrize("lit", [False, True])
@pytest.mark.parametrize("hovered", [False, True])
def test_a_flag_has_no_colour_until_its_message_is_highlighted_or_hovered(lit: bool, hovered: bool) -> None:
    line = Line(1, "bob", "hi", AT, mine=False)
    look = replace(LOOK, reports=True, styles=replace(STYLES, flag=Style(foreground=Color.parse("#ff0000"))))
    drawn = render(line, look, above=None, before=line, lit=lit, hovered=hovered)
    (flag,) = [each for strip in drawn.strips for each in strip if FLAG in each.text]
    assert (flag.style is not None and flag.style.color is not None) is (lit or hovered)


def test_the_flag_has_a_different_shape_for_each_status_of_a_report() -> None:
    shapes = {}
    for status in ("", *ReportState, "a later one"):
        line = Line(1, "bob", "hi", AT, mine=False, report=status)
        drawn = render(line, replace(LOOK, reports=True), above=None, before=line)
        shapes[status] = drawn.strips[drawn.head].text[LOOK.flag_at :].strip()
    assert len(set(shapes.values())) == len(shapes)
    assert shapes[""] == FLAG
    assert all(cell_len(each) < FLAG_CELLS for each in shapes.values())


def test_only_lines_that_are_seen_are_painted_and_each_once() -> None:
    painted: list[int] = []

    def paint(number: int) -> Strip:
        painted.append(number)
        return Strip.blank(number)

    strips = LazyStrips([Strip.blank(9)] * 2, 1000, paint)
    assert len(strips) == 1002
    assert [strips[row].cell_length for row in (0, 500, 1001, 500)] == [9, 498, 999, 498]
    assert painted == [498, 999]
    assert [each.cell_length for each in strips] == [9, 9, *range(1000)]
    assert sorted(painted) == list(range(1000))


def test_compact_lines_have_columns_and_hanging_indents() -> None:
    look = replace(LOOK, compact=True, width=60)
    text = "a list that is longer than its column is wide, isn't it:\n- rope\n\n- " + "lamp " * 12
    drawn = texts(block(text, look=look))
    column = drawn[0].index("» ") + 2
    assert drawn[0][: column - 2].split()[-1] == "bob"
    assert all(line[:column].strip() == CONTINUES for line in drawn[1:])
    assert len(drawn) == 6
    other = texts(render(Line(2, "Someone with a long name", "x", AT, mine=False), look, above=None, before=None))
    assert other[-1].index("» ") + 2 == column
    assert other[-1][: column - 2].endswith("…")


@pytest.mark.parametrize("hours", Hours)
def test_the_columns_of_compact_lines_are_where_the_text_begins(hours: Hours) -> None:
    look = replace(LOOK, compact=True, width=60, hours=hours)
    set_hours(hours)
    try:
        drawn = texts(block("word " * 20, look=look))
    finally:
        set_hours(Hours.H24)
    assert {line.index("word") for line in drawn} == {3 + look.lead_cells}


def test_a_narrow_view_has_no_columns_in_compact_lines() -> None:
    drawn = block("word " * 5, look=replace(LOOK, compact=True, width=30))
    assert texts(drawn)[0].strip().startswith("• bob")


@pytest.mark.parametrize("unit", ["\t", "a\t", "字\t\n"])
def test_a_message_of_many_tabs_has_few_runs_and_as_many_cells(unit: str) -> None:
    few, many = ([row.row for row in block(unit * times).lines] for times in (MOST_TABS, MOST_TABS + 1))
    assert sum(map(len, few)) > MOST_TABS
    assert sum(map(len, many)) < len(many) + 3
    assert all(run.source is None for row in many for run in row)
    assert "\t" not in "".join(run.text for row in (*few, *many) for run in row)


@pytest.mark.parametrize("compact", [False, True])
def test_the_joined_lines_of_a_message_are_its_text(compact: bool) -> None:
    text = "Good morning, all of you in the harbour, and\tthe galley!\n\n- one\n- two, which is a longer one than that"
    look = replace(LOOK, compact=compact)
    lines = block(text, look=look).lines
    copied_text = "".join(each.gap + copied(each.row, 0, 1000) for each in lines)
    assert copied_text.endswith(text)
    assert copied_text.strip().startswith("00:00 bob» Good" if compact else "bob  00:00")
