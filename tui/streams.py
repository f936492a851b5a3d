"""Checks of the standard streams: a terminal for the full screen, open streams for the other interfaces."""

import os
import sys
from collections.abc import Mapping
from typing import Protocol

from server.protocol.errors import OneLineError

DRIVER_VARIABLE = "TEXTUAL_DRIVER"
"""Textual's environment variable for another driver, such as the one that draws on a page instead of a terminal."""
UNABLE = frozenset({"", "dumb", "unknown"})
"""Values of TERM with which no screen can be drawn; "" means that TERM is not set."""


class Stream(Protocol):
    """A standard stream; Python has None in place of a stream that was closed at the start."""

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""


class StartError(OneLineError):
    """The client cannot start with these arguments, files or streams."""


def require_screen(
    environment: Mapping[str, str],
    streams: Mapping[str, Stream | None] | None = None,
    *,
    windows: bool = sys.platform == "win32",
) -> None:
    """Raise StartError if the screen cannot be drawn."""
    if environment.get(DRIVER_VARIABLE):
        return
    for name, stream in (streams or _standard()).items():
        if stream is None or not stream.isatty():
            how = "start Flagpost in a terminal without redirecting it, or use --plain"
            raise StartError(f"standard {name} is not a terminal; {how}")
    term = environment.get("TERM", "")
    if not windows and term in UNABLE:
        said = f"TERM is {term}" if term else "TERM is not set"
        raise StartError(f"{said}, so no screen can be drawn; set it to the type of your terminal, or use --plain")


def require_open(*names: str) -> None:
    """Raise StartError if one of these streams was closed at the start."""
    for name in names:
        if _standard()[name] is None:
            raise StartError(f"standard {name} is closed; connect it to a file, a pipe or a terminal")


def open_closed_error() -> None:
    """Replace a closed standard error with the null device: Python would print errors to standard output."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - open until the process ends


def _standard() -> dict[str, Stream | None]:
    # Textual draws on standard error.
    return {"input": sys.__stdin__, "output": sys.__stdout__, "error": sys.__stderr__}
