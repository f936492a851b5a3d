"""Checks the user's own keys against the table."""

import difflib
from collections.abc import Iterator, Mapping

from textual.binding import Binding
from textual.keys import Keys

from tui.fullscreen.keys.keymap import KEYS, Key, Where

ROOM = frozenset({Where.EVERYWHERE, Where.COMPOSER, Where.MESSAGES, Where.CHANNELS, Where.PEOPLE, Where.PROFILE})
MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "hyper", "meta"})
NAMES = {key.value for key in Keys} | {each.rpartition("+")[2] for key in KEYS for each in key.keys.split(",")}


def rebind(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the accepted changes, by ID, and a line for each rejected one; `wanted` is as in the config file."""
    changed, problems = {}, []
    known = {key.id: key for key in KEYS}
    for name, keys in wanted.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f'did you mean "{close[0]}"?' if close else "docs/config.md lists all actions"
            problems.append(f"keys.{name}: unknown action; {hint}")
        elif (normal := _normal(keys)) is None:
            problems.append(f'keys.{name}: "{keys}" is not a key; write one like "ctrl+x", or several like "f3,alt+r"')
        else:
            changed[name] = normal
    # A rejected entry gets its default key back, which may conflict with another change.
    while clash := next(_clashes(changed), None):
        name, key, other = clash
        del changed[name]
        problems.append(f'keys.{name}: "{key}" is already bound to {other.id} ({other.help}); rebind that first')
    return changed, problems


def _normal(keys: str) -> str | None:
    """Return the keys by Textual's names; None if one is not a key."""
    if not all(_is_key(key.strip()) for key in keys.split(",")):
        return None
    return ",".join(binding.key for binding in Binding.make_bindings([Binding(keys, "")]))


def _is_key(key: str) -> bool:
    *modifiers, name = key.split("+")
    return MODIFIERS.issuperset(modifiers) and (len(name) == 1 or name in NAMES)


def _clashes(changed: Mapping[str, str]) -> Iterator[tuple[str, str, Key]]:
    """Yield the conflicts of changed keys: ID, key, and the other entry bound to it."""
    for key in KEYS:
        for mine in changed.get(key.id, "").split(",") if key.id in changed else ():
            for other in KEYS:
                keys = changed.get(other.id, other.keys).split(",")
                if other.id != key.id and mine in keys and _meet(key, other):
                    yield key.id, mine, other


def _meet(one: Key, other: Key) -> bool:
    """Return whether two keys can be active together, so that one would hide the other."""
    if one.where is other.where:
        return True
    wide = {Where.ALWAYS: frozenset(Where), Where.EVERYWHERE: ROOM}
    return any(a.priority and b.where in wide.get(a.where, ()) for a, b in ((one, other), (other, one)))
