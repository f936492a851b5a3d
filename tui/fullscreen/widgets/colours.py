"""Legible colours: of names, and of all text on its background, in any theme."""

from collections.abc import Mapping
from functools import lru_cache

from rich.color import Color as InkColour
from rich.segment import Segment
from rich.style import Style as Ink
from textual.color import BLACK, WHITE, Color
from textual.filter import LineFilter

from tui.client.hues import usual

ON_DARK = (
    "#fd8994", "#ffb798", "#e4a339", "#d8cf58", "#89c566", "#60e7b4",
    "#10caca", "#77d9ff", "#7ab4fe", "#c4c4ff", "#d294ee", "#feaddb",
)  # fmt: skip
ON_LIGHT = (
    "#82082a", "#903a03", "#5e3d00", "#605a04", "#275100", "#02684a",
    "#025050", "#04617c", "#004387", "#5346a7", "#62217a", "#8e2b6b",
)  # fmt: skip
"""Hues, 30 degrees apart in OKLCH; every second one is lighter, so that neighbours differ more."""
CONTRAST = 5.5
"""The minimum contrast ratio of names. WCAG 2.2 (1.4.3) requires 4.5; the rest is a margin for highlighted lines."""
READABLE, HIGH = 4.5, 7.0
"""The contrast ratios that WCAG 2.2 requires of text: level AA (1.4.3) and level AAA (1.4.6)."""
STEPS = 20
MIDDLE = (1.05 * 0.05) ** 0.5 - 0.05
"""The relative luminance that contrasts equally with black and white."""
DRAWN = " " + "".join(map(chr, range(0x2500, 0x25A0)))
"""Lines and blocks: borders and scrollbars, which may be paler than text."""


def name_colour(name: str, under: Color, hues: Mapping[str, int]) -> Color:
    """Return the colour of a name on a background: the default in ANSI themes, whose brightness is unknown."""
    if under.ansi is not None:
        return Color.parse("ansi_default")
    return _tone(hues.get(name, usual(name)), under)


@lru_cache(maxsize=1024)
def _tone(hue: int, under: Color) -> Color:
    tones = ON_DARK if _luminance(under) < MIDDLE else ON_LIGHT
    return legible(Color.parse(tones[hue]), under, CONTRAST)


def legible(colour: Color, under: Color, ratio: float) -> Color:
    """Return a colour with at least this contrast ratio on a background: the colour itself, or as near as possible."""
    towards = WHITE if _luminance(under) < MIDDLE else BLACK
    mixed = (colour.blend(towards, step / STEPS, alpha=1) for step in range(STEPS))
    return next((each for each in mixed if contrast(each, under) >= ratio), towards)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two opaque colours, from 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


class Legible(LineFilter):
    """Ensures a minimum contrast ratio for all text, whatever theme, widget or attribute made it pale."""

    def __init__(self, ratio: float) -> None:
        super().__init__()
        self._ratio = ratio

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [self._legible(each, background) for each in segments]

    def _legible(self, segment: Segment, background: Color) -> Segment:
        text, style, control = segment
        if style is None or control or not (colour := _ink(style, background, self._ratio)):
            return segment
        return Segment(text, style + colour) if text.strip(DRAWN) else segment


@lru_cache(maxsize=4096)
def _ink(style: Ink, background: Color, ratio: float) -> Ink | None:
    """Return the colour that makes a style legible; None if it already is, or only the terminal knows its colours."""
    text = _colour(style.color)
    under = background if style.bgcolor is None else _colour(style.bgcolor)
    if text is None or under is None or under.ansi is not None or contrast(text, under) >= ratio:
        return None
    return Ink(color=legible(text, under, ratio).rich_color)


def _colour(colour: InkColour | None) -> Color | None:
    return Color(*colour.triplet) if colour and colour.triplet else None


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
