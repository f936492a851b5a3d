"""One HTTP connection: a single request, or the beginning of a websocket, which has to be there in time."""

import asyncio
from typing import cast

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from server.connection import Receiver, peer_of

REQUEST_SECONDS = 10.0
"""For a whole request, with its body; whoever is silent or drips is ended."""

RESPONSE_HEADERS = [("Connection", "close")]
"""What comes behind a request is never read as another one."""

BODY_HEADERS = {b"content-length", b"transfer-encoding"}

LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class HttpConnection(H11Protocol):
    """The class that uvicorn makes for each connection; it takes a place of its address until a websocket begins."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limiter = cast(Receiver, app_state["receiver"]).limiter
        self._address = ""
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See H11Protocol; one connection too many is cut."""
        super().connection_made(transport)
        # Not before: until TLS stands there is nothing that could be written to.
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._late)
        address = self._limiter.peer(peer_of(transport))
        if address and not self._limiter.requests.take(address):
            transport.abort()
        else:
            self._address = address

    def connection_lost(self, exc: Exception | None) -> None:
        """See H11Protocol."""
        self._leave()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """See H11Protocol; from here on it is a Connection."""
        if any(name in BODY_HEADERS and value != b"0" for name, value in event.headers):
            self.send_400_response("The beginning of a websocket has no body.")
            return
        self._leave()
        super().handle_websocket_upgrade(event)

    def _leave(self) -> None:
        if self._deadline:
            self._deadline.cancel()
        if self._address:
            self._limiter.requests.give_back(self._address)
            self._address = ""

    def _late(self) -> None:
        if self.conn.their_state is h11.IDLE:
            self.transport.write(LATE)
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self.transport.close()
