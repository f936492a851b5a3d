"""A colour for each name: always the same one, and readable on the theme's dark background."""

from zlib import crc32

PALETTE = ("#7dcfff", "#9ece6a", "#e0af68", "#f7a8b8", "#bb9af7", "#73daca", "#ff9e64", "#b4c7f5")


def name_colour(name: str) -> str:
    """The colour of a name as "#rrggbb"."""
    return PALETTE[crc32(name.encode(errors="replace")) % len(PALETTE)]
