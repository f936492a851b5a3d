"""Colours of names: always the same hue for a name, and readable on the background of any theme."""

from functools import lru_cache
from zlib import crc32

from textual.color import BLACK, WHITE, Color

PALETTE = ("#7dcfff", "#9ece6a", "#e0af68", "#f7a8b8", "#bb9af7", "#73daca", "#ff9e64", "#b4c7f5")
CONTRAST = 5.5
"""The least contrast ratio. WCAG 2.2 (1.4.3) requires 4.5; the rest is a margin for highlighted lines."""
STEPS = 20
MIDDLE = 0.18
"""The relative luminance that contrasts about equally with black and white."""


@lru_cache(maxsize=4096)
def name_colour(name: str, under: Color) -> Color:
    """Return the colour of a name on a background; ANSI themes get the default, as their brightness is unknown."""
    if under.ansi is not None:
        return Color.parse("ansi_default")
    tone = Color.parse(PALETTE[crc32(name.encode(errors="replace")) % len(PALETTE)])
    towards = WHITE if _luminance(under) < MIDDLE else BLACK
    mixed = (tone.blend(towards, step / STEPS, alpha=1) for step in range(STEPS))
    return next((each for each in mixed if contrast(each, under) >= CONTRAST), towards)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two opaque colours, from 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
