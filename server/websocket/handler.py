"""The interface between the connections and the dispatcher, which handles their messages."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from server.pacing.limiter import Limiter
from server.room.session import Session


class ConnectionPolicy(NamedTuple):
    """Settings that apply to new connections."""

    allowed_origins: Sequence[str] = ()
    """Origins of the web pages that may connect. Clients that send no Origin always may."""
    allowed_hosts: Collection[str] = ()
    """Host names accepted in HTTP requests, see `rules.hosts`."""
    compression: bool = False
    """Offer compression, in both directions."""


class ConnectionHandler(Protocol):
    """Handles the events of connections; implemented by the dispatcher."""

    @property
    def policy(self) -> ConnectionPolicy:
        """Current settings for new connections."""

    @property
    def limiter(self) -> Limiter:
        """Limits on connections, requests and bytes."""

    def on_refused(self, status: int) -> None:
        """Count a connection refused with this HTTP status; 0 if it was closed without a response."""

    def on_open(self, session: Session) -> None:
        """Handle a completed handshake."""

    def on_message(self, session: Session, data: bytes) -> None:
        """Handle one text message in UTF-8."""

    def on_close(self, session: Session, code: int) -> None:
        """Handle the end of a connection; called once, and only after `on_open`.

        `code` is the close code of the side that closed first, or 1006 if the connection was cut.
        """
