"""Detects whether a browser can open in a window of its own."""

import sys
from collections.abc import Mapping

WINDOWED = ("win32", "darwin")
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def has_browser(environment: Mapping[str, str]) -> bool:
    """Return whether there is a graphical display. Without one, a browser would run in this terminal."""
    return sys.platform in WINDOWED or any(environment.get(each) for each in DISPLAYS)
