"""The events that a client reports to its owner: logins, losses, and errors that end it."""

from typing import NamedTuple

from server.protocol.errors import OneLineError
from tui.net.client_session import ServerNews


class NoServerError(OneLineError):
    """No server was found, and none could be started."""


class NameRefusedError(OneLineError):
    """The server refused the name."""


class Granted(NamedTuple):
    """An accepted login."""

    wanted: str
    """The requested name."""
    name: str
    """The granted name."""
    again: bool
    """True after a loss that `on_lost` reported."""
    news: list[ServerNews]
    """Notices for the user about a changed server or identity; if there are any, unsent messages were given up."""


class Loss(NamedTuple):
    """A lost connection, or a failed attempt to connect."""

    why: str
    retry_seconds: float | None
    """Seconds until the next attempt; None: never."""
    first: bool
    """True for the first loss since the last login."""
