"""Typing into a client faster than it can handle keys: everything at once, as from a slow link or an expander."""

from collections.abc import Iterator, Sequence

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

NAMES = {"\r": "enter", "\t": "tab", "\x1b": "escape", "\x0b": "ctrl+k", "\x14": "ctrl+t", "\x06": "ctrl+f"}
"""Control characters that terminals send for keys."""


def keys(typed: str | Sequence[str]) -> Iterator[events.Key]:
    """Yield the keys of a text, or of a list of texts and names of keys such as "up"."""
    for part in [typed] if isinstance(typed, str) else typed:
        if len(part) > 1 and not isinstance(typed, str) and (part in SPECIAL or "+" in part):
            yield events.Key(part, None)
        else:
            yield from (events.Key(NAMES.get(each) or _character_to_key(each), each) for each in part)


SPECIAL = frozenset({"up", "down", "left", "right", "enter", "escape", "tab", "pageup", "pagedown", "f1", "f2", "end"})


def type_at_once(pilot: Pilot[None], *typed: str) -> None:
    """Put all keys into the app's queue before it handles the first."""
    for key in keys(typed):
        pilot.app.post_message(key)
