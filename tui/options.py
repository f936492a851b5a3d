"""What the client is started with."""

from pathlib import Path

from msgspec import Struct

from tui.config import Loaded


class Options(Struct, frozen=True):
    """The command line: a server's URL, or none for the one in the settings, and the name to go by."""

    name: str
    url: str | None = None
    settings: Path | None = None
    demo: bool = False
    asks: bool = False
    """Whether the person is asked for name and server first."""
    loaded: Loaded = Loaded()
    """The person's configuration; by default none that is kept."""
