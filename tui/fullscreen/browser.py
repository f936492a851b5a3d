"""Finds out whether an address can be opened in a browser with a window of its own."""

import sys
from collections.abc import Mapping

WINDOWED = ("win32", "darwin")
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def has_browser(environment: Mapping[str, str]) -> bool:
    """Return whether there is a screen for windows. Without one, a browser would take this terminal."""
    return sys.platform in WINDOWED or any(environment.get(each) for each in DISPLAYS)
