"""Recognises Alt with Enter, a digit or a letter where a terminal sends Escape followed by the key."""

from string import ascii_lowercase, digits
from typing import NamedTuple, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS

_CHARACTERS = {"\r": "enter"} | {each: each for each in ascii_lowercase + digits}
_WORDS = frozenset("bf")
"""Alt with one of these moves a word back or forward, as in a shell."""


class _Key(NamedTuple):
    """A key in the form that Textual's table needs: with a `value`."""

    value: str


def install() -> None:
    """Add the sequences to Textual's table.

    By default, Textual reads Alt+Enter as Enter, and Alt+1 as the character that a Mac produces for it. It recognises
    letters only if no other key follows within a tenth of a second: it reads Alt+A pressed twice as "^a".
    """
    known = cast("dict[str, object]", ANSI_SEQUENCES_KEYS)
    known |= {f"\x1b{each}": (_Key(f"alt+{name}"),) for each, name in _CHARACTERS.items() if each not in _WORDS}
