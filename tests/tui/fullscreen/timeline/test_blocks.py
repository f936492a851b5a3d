"""How a message is drawn: marks in the margin, code, and what names the user."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.style import Style as Ink
from textual.color import Color
from textual.style import Style

from tui.client.timeline import Line
from tui.fullscreen.timeline.blocks import EntryBlock, Look, Styles, render

CODE = Style(background=Color.parse("#202020"))
STYLES = Styles(Style(), Style(), CODE, Style(), Style(), Style(), Style(), Style(foreground=Color.parse("#e0af68")))
LIT, NAMED = Ink(bgcolor="#0000ff"), Ink(bgcolor="#303000")
LOOK = Look(40, STYLES, Ink(), lit=LIT, named=NAMED, reports=False, words=("ada", "deploy"))
WIDTH = LOOK.text_width


def block(text: str, *, look: Look = LOOK, lit: bool = False, mine: bool = False) -> EntryBlock:
    line = Line(1, "bob", text, datetime(2026, 3, 14, tzinfo=UTC), mine)
    return render(line, look, above=None, before=line, lit=lit)


def margins(drawn: EntryBlock) -> list[str]:
    """Return the margin of each line of the message."""
    return [strip.text[:3] for strip in drawn.strips[drawn.head :]]


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
def test_other_messages_have_none(text: str) -> None:
    for drawn in (block(text), block("I am ada", mine=True)):
        assert margins(drawn)[0] == " • "
        assert backgrounds(drawn, 1) == {""}


@given(st.text(st.sampled_from("*_~`[]()<>!#|\\/ \n\tabcdeé字\"'.:-=1"), min_size=1, max_size=120))
@example("```insult\nhello\n```")
@example("[a](https://a.example) __init__ \\_(a)_/")
def test_everything_that_was_typed_is_on_the_screen_in_order(text: str) -> None:
    drawn = block(text)
    shown = iter("".join(strip.crop(3, 3 + WIDTH).text for strip in drawn.strips[drawn.head + 1 :]))
    assert all(char in shown for char in text if not char.isspace())


def test_code_has_a_background_up_to_the_edge_also_where_it_is_wrapped() -> None:
    drawn = block("before\n```py\n" + "x" * 90 + "\n\n```\nafter `x`")
    rows = [backgrounds(drawn, row) for row in range(len(margins(drawn)))]
    # Author, "before", fence, three lines of code, empty line, fence, "after" with a word of code.
    assert rows == [{""}, {""}, *[{"#202020"}] * 6, {"", "#202020"}]
    assert [strip.cell_length for strip in drawn.strips] == [LOOK.width] * len(drawn.strips)
