"""What the standard streams have to be: a terminal for the screen, open for the rest."""

import os
import sys
from collections.abc import Mapping
from typing import Protocol

from server.protocol.errors import OneLineError

DRIVER_VARIABLE = "TEXTUAL_DRIVER"
"""Names the driver of a client that draws elsewhere than in a terminal, such as on a page."""
UNABLE = frozenset({"", "dumb", "unknown"})
"""Values of TERM that promise nothing; unset is one of them."""


class Stream(Protocol):
    """A standard stream; None in its place is one that was closed at the start."""

    def isatty(self) -> bool:
        """Return whether a terminal is at its other end."""


class StartError(OneLineError):
    """The client cannot start like this."""


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
            how = "start it in a terminal, without redirections, or use --plain"
            raise StartError(f"standard {name} is not a terminal; {how}")
    term = environment.get("TERM", "")
    if not windows and term in UNABLE:
        said = f"TERM is {term}" if term else "TERM is not set"
        raise StartError(f"{said}, so no screen can be drawn; set it to what your terminal is, or use --plain")


def require_open(*names: str) -> None:
    """Raise StartError if one of these streams was closed at the start."""
    for name in names:
        if _standard()[name] is None:
            raise StartError(f"standard {name} is closed; give it a file, a pipe or a terminal")


def open_closed_error() -> None:
    """Discard what is printed on a standard error that was closed: it would go to standard output."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - as long as the process


def _standard() -> dict[str, Stream | None]:
    # Textual draws on the standard error.
    return {"input": sys.__stdin__, "output": sys.__stdout__, "error": sys.__stderr__}
