"""Which characters are commands, including in keyboard layouts with other letters on the same keys."""

import pytest
from textual.events import Key

from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.keys.letters import command


@pytest.mark.parametrize(
    ("letter", "where", "meant"),
    [
        ("r", Where.MESSAGES, "r"),
        ("x", Where.MESSAGES, None),
        ("x", Where.REPORTS, "x"),
        # Russian, Ukrainian, Greek, Hebrew, Arabic, Persian.
        ("к", Where.MESSAGES, "r"),
        ("и", Where.PEOPLE, "b"),
        ("н", Where.QUESTION, "y"),
        ("т", Where.QUESTION, "n"),
        ("υ", Where.MESSAGES, "y"),
        ("ρ", Where.MESSAGES, "r"),
        ("ר", Where.MESSAGES, "r"),
        ("צ", Where.MESSAGES, "m"),
        ("ق", Where.MESSAGES, "r"),
        ("ة", Where.MESSAGES, "m"),
        ("ی", Where.MESSAGES, "d"),
        ("ф", Where.MESSAGES, None),
        ("é", Where.MESSAGES, None),
    ],
)
def test_a_letter_of_another_layout_means_the_key_at_the_same_place(
    letter: str, where: Where, meant: str | None
) -> None:
    found = command(Key(letter, letter), where)
    assert (found and found.key) == meant
