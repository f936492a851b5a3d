"""Several lines that arrive at once are a paste, in terminals that do not mark pastes."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.events import Key, Paste, Resize

from tui.fullscreen.driver import MAX_CELLS, LineParser
from tui.fullscreen.typeahead import PastedLines

SHOWN = Key | Paste | PastedLines
LONG = "x" * 1000


def read(*reads: str) -> Sequence[str]:
    """Return what a parser makes of reads: a key, or the text of a paste in brackets."""
    parser = LineParser()
    found = [event for each in reads for event in parser.feed(each)]
    return [each.key if isinstance(each, Key) else f"[{each.text}]" for each in found if isinstance(each, SHOWN)]


@pytest.mark.parametrize(
    ("reads", "found"),
    [
        (["hi\r"], ["h", "i", "enter"]),
        (["hi\r\r"], ["h", "i", "enter", "enter"]),
        (["a\rb\r"], ["[a\nb]"]),
        (["a\r\n\tb\r\n"], ["[a\n\tb]"]),
        # A long paste comes in several reads.
        ([f"a\r{LONG}", "c\r"], [f"[a\n{LONG}]", "[c\n]"]),
        (["a\rb", "\r"], ["[a\nb]", "enter"]),
        # Another key was pressed between the lines, so they were typed.
        (["a\r\x0eb\r"], ["a", "enter", "ctrl+n", "b", "enter"]),
        # A terminal that answers at the start marks what is pasted.
        (["\x1b[?2026;2$y", "a\rb\r"], ["a", "enter", "b", "enter"]),
        (["\x1b[200~a\rb", "c\rd\r", "\x1b[201~x"], ["[a\rbc\rd\r]", "x"]),
        ([""], []),
    ],
)
def test_lines_that_arrive_at_once_are_a_paste(reads: Sequence[str], found: Sequence[str]) -> None:
    assert read(*reads) == found


def test_pasted_lines_record_their_keys() -> None:
    (lines,) = LineParser().feed("r\rx")
    assert isinstance(lines, PastedLines)
    assert [each.key for each in lines.keys] == ["r", "enter", "x"]


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b[99999999;9u",
        "\x1b[97:65;2u",
        f"\x1b[{'9' * 25};1u",
        "\x1b[1;2;1114112u",
        "\x1b[48;0;0;0;0t\x1b[<0;5;5M",
        "\x1b[48;99999;99999;0;0t",
        "\x1b[<0;99999;-1M",
        "\x1b[200~\x1b[201~",
    ],
)
def test_an_invalid_sequence_is_ignored_and_the_next_keys_are_read(sequence: str) -> None:
    # In the same read, and in the next one.
    assert [each for each in read(f"a{sequence}b", "c") if each != "[]"] == ["a", "b", "c"]


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            ["\x1b", "[", "<", "48;", "200~", "201~", ";", ":", "u", "t", "M", "R", "A", "?", "$y", "a", "\x00"]
        )
        | st.integers(0, 2**70).map(str),
        max_size=30,
    )
)
def test_no_input_crashes_the_parser(pieces: list[str]) -> None:
    parser = LineParser()
    for piece in pieces:
        for event in parser.feed(piece):
            assert not isinstance(event, Resize) or max(event.size) <= MAX_CELLS
    list(parser.tick())
    list(parser.feed("\x1b[201~z"))
