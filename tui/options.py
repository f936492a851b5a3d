"""Options with which the client starts."""

from pathlib import Path

from msgspec import Struct

from tui.config import LoadedConfig


class Options(Struct, frozen=True):
    """The server's URL (None: as configured in the settings) and the user's name."""

    name: str
    url: str | None = None
    settings: Path | None = None
    demo: bool = False
    asks: bool = False
    """True if the user is asked for name and server first."""
    joins: bool = False
    """True if the dialog that asks starts to connect at once: the user has already filled it in."""
    loaded: LoadedConfig = LoadedConfig()
    """The user's configuration; the default one is not saved."""
