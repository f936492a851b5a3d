"""Lets Alt with Enter, a digit or a letter be that key where a terminal sends it as Escape and the key."""

from string import ascii_lowercase, digits
from typing import NamedTuple, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS

_CHARACTERS = {"\r": "enter"} | {each: each for each in ascii_lowercase + digits}
_WORDS = frozenset("bf")
"""Alt with these goes a word back and forward, as in a shell."""


class _Key(NamedTuple):
    """A key as Textual's table has them: by its `value`."""

    value: str


def learn() -> None:
    """From here on; until then Textual takes Alt+Enter for Enter, and Alt+1 for the character that a Mac makes of it.

    Letters it knows, but not before a tenth of a second without another key: Alt+A twice is "^a" to it.
    """
    known = cast("dict[str, object]", ANSI_SEQUENCES_KEYS)
    known |= {f"\x1b{each}": (_Key(f"alt+{name}"),) for each, name in _CHARACTERS.items() if each not in _WORDS}
