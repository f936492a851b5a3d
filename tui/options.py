"""Options with which the client starts."""

from pathlib import Path

from msgspec import Struct

from tui.config import LoadedConfig

TOKEN_VARIABLE = "FLAGPOST_TOKEN"  # noqa: S105 - a name
"""The environment variable with a sign-in link, which others cannot read, unlike arguments."""


class SiteToken(Struct, frozen=True):
    """The token of a member of a site, and the server to which the site sends them; empty for everybody else."""

    token: str = ""
    server: str = ""

    def __repr__(self) -> str:
        # Crash reports print arguments.
        return "SiteToken"


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
    sign_in: SiteToken = SiteToken()
    """What the site gave the user to sign in; never saved."""
    loaded: LoadedConfig = LoadedConfig()
    """The user's configuration; the default one is not saved."""
