"""Containers whose lines are all the same, and are painted once.

Textual paints all lines of each container behind a widget, however little of the widget has changed.
"""

from textual.containers import Horizontal, Vertical
from textual.geometry import Region
from textual.strip import Strip


def first_line(crop: Region) -> Region:
    """Return the first line of a region."""
    return Region(crop.x, crop.y, crop.width, 1)


class VerticalBackdrop(Vertical):
    """A vertical container with a background, and no borders except at its sides."""

    def render_lines(self, crop: Region) -> list[Strip]:
        return super().render_lines(first_line(crop)) * crop.height


class HorizontalBackdrop(Horizontal):
    """A horizontal container with a background, and no borders except at its sides."""

    def render_lines(self, crop: Region) -> list[Strip]:
        return super().render_lines(first_line(crop)) * crop.height
