"""Characters that act as commands outside text fields, in any keyboard layout."""

from textual.events import Key as Pressed

from tui.fullscreen.keys.keymap import KEYS, Where
from tui.fullscreen.keys.layouts import same_place

AT_ONCE = frozenset({Where.FORM, Where.SETTINGS, Where.SEARCH})
"""Where such a character acts at once: it affects nobody else, and no one types a sentence there by mistake."""

SEARCHING = frozenset({"screen.react"})
"""Actions that open a list which is searched by typing."""


def command(pressed: Pressed, where: Where | None) -> Pressed | None:
    """Return the key to act on in a place; None if the character is not a command there.

    In another keyboard layout, a letter that has no meaning itself counts as the one at its place on a US keyboard.
    """
    keys = {each for key in KEYS if key.where is where for each in key.now.split(",")}
    if pressed.key in keys:
        return pressed
    latin = same_place(pressed.character or "")
    return Pressed(latin, latin) if latin and latin in keys else None


def searches(pressed: Pressed, where: Where | None) -> bool:
    """Return whether a key opens a list that is searched by what is typed next."""
    return any(key.where is where and key.action in SEARCHING and pressed.key in key.now.split(",") for key in KEYS)


def waits(where: Where | None) -> bool:
    """Return whether a character acts in a place only if no other character follows at once."""
    return where not in AT_ONCE
