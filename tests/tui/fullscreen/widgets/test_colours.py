"""Text has enough contrast with its background in each of Flagpost's own themes."""

from itertools import combinations
from math import dist

import pytest
from textual.color import Color, rgb_to_lab
from textual.theme import BUILTIN_THEMES, Theme

from tui.client.hues import HUES
from tui.fullscreen.themes import CONTRAST, LIGHT, THEMES
from tui.fullscreen.widgets.colours import HIGH, READABLE, contrast, name_colour

NAMES = [f"sailor {number}" for number in range(100)]
USUAL: dict[str, int] = {}
APART = 8
"""The least distance between two hues in CIE L*a*b*; about 2 is just noticeable."""
UNDER = ("background", "surface", "panel")


def colour(theme: Theme, name: str) -> Color:
    return Color.parse(theme.to_color_system().generate()[name])


def test_contrast_is_computed_as_in_the_standard() -> None:
    assert contrast(Color.parse("#000"), Color.parse("#fff")) == pytest.approx(21)
    assert contrast(Color.parse("#777"), Color.parse("#fff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("under", UNDER)
@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_text_colours_have_enough_contrast(theme: Theme, under: str) -> None:
    least = HIGH if theme is CONTRAST else READABLE
    for name in ("foreground", "foreground-muted", "primary", "secondary", "success", "warning", "error"):
        assert contrast(colour(theme, name), colour(theme, under)) >= least, name


@pytest.mark.parametrize("theme", [LIGHT, CONTRAST], ids=lambda theme: theme.name)
def test_a_field_has_a_visible_border(theme: Theme) -> None:
    # WCAG 2.2, 1.4.11.
    assert contrast(colour(theme, "panel-lighten-2"), colour(theme, "background")) >= 3


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_a_name_has_contrast_on_every_background(theme: Theme) -> None:
    for place in UNDER:
        for lit in (place, "panel"):
            for name in NAMES:
                assert contrast(name_colour(name, colour(theme, place), USUAL), colour(theme, lit)) >= READABLE, (
                    place,
                    name,
                )


@pytest.mark.parametrize(
    "theme", [each for each in BUILTIN_THEMES.values() if not each.ansi], ids=lambda each: each.name
)
def test_a_name_has_contrast_in_the_other_themes(theme: Theme) -> None:
    under = colour(theme, "background")
    assert min(contrast(name_colour(name, under, USUAL), under) for name in NAMES) >= READABLE


@pytest.mark.parametrize(
    "theme", [*THEMES, *(each for each in BUILTIN_THEMES.values() if not each.ansi)], ids=lambda each: each.name
)
def test_hues_can_be_distinguished(theme: Theme) -> None:
    for under in UNDER[:2]:
        shown = [rgb_to_lab(name_colour("ada", colour(theme, under), {"ada": hue})) for hue in range(HUES)]
        assert min(dist(one, other) for one, other in combinations(shown, 2)) >= APART


def test_a_name_has_the_terminals_own_colour_on_the_terminals_own_background() -> None:
    assert name_colour("ada", Color.parse("ansi_default"), USUAL).ansi == -1
