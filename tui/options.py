"""Options with which the client starts."""

from pathlib import Path

from msgspec import Struct

from tui.config import LoadedConfig

TOKEN_VARIABLE = "FLAGPOST_TOKEN"  # noqa: S105 - a name
"""Environment variable with a sign-in link; other users can read arguments, but not the environment."""


class SiteToken(Struct, frozen=True):
    """The token of a member of a site, and the server in the sign-in link; both are empty for guests."""

    token: str = ""
    server: str = ""

    def __repr__(self) -> str:
        # Crash reports print arguments.
        return "SiteToken"


class Options(Struct, frozen=True):
    """The user's name, the server, and what the client does first."""

    name: str
    url: str | None = None
    """The server; None: the one on this machine."""
    settings: Path | None = None
    """The settings file of the server on this machine; None: the defaults."""
    demo: bool = False
    """True to start a server with a demo room."""
    asks: bool = False
    """True if the user is asked for name and server first."""
    joins: bool = False
    """True if the dialog that asks for them connects at once, because the user has already filled it in."""
    sign_in: SiteToken = SiteToken()
    """The token from the sign-in link; never saved."""
    loaded: LoadedConfig = LoadedConfig()
    """The user's configuration; the default one is not saved."""
