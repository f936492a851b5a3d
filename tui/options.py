"""What the client is started with."""

from dataclasses import dataclass
from pathlib import Path

from tui.config import Loaded


@dataclass(frozen=True)
class Options:
    """The command line: a server's URL, or none for the one in the settings, and the name to go by."""

    name: str
    url: str | None = None
    settings: Path | None = None
    demo: bool = False
    asks: bool = False
    """Whether the person is asked for name and server first."""
    loaded: Loaded = Loaded()  # noqa: RUF009 - never changed
    """The person's configuration; by default none that is kept."""
