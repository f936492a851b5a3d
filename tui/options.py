"""What the client is started with."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The command line: a server's URL, or none for the one in the settings, and the name to go by."""

    name: str
    url: str | None = None
    settings: Path | None = None
    demo: bool = False
