"""An accepted connection before its first bytes show whether it is a websocket handshake or an HTTP request."""

import asyncio
from typing import cast

from uvicorn import Config
from uvicorn.server import ServerState

from server.http.http_connection import REQUEST_SECONDS, TIMEOUT_RESPONSE, HttpConnection, count_request
from server.rules.handshakes import websocket_headers
from server.rules.refusal import Refusal
from server.websocket.connection import WebsocketConnection
from server.websocket.handler import ConnectionHandler


class OpeningConnection(asyncio.Protocol):
    """Passes a usual websocket handshake straight to a WebsocketConnection, and everything else to an HttpConnection.

    Otherwise an HttpConnection would parse the head, and then a WebsocketConnection would parse it again. The
    connection counts as a pending request of its address until a websocket starts.
    """

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, object], address: str) -> None:
        """`address` is the rate-limit key of the connection; `release` frees its slot."""
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._limiter = cast(ConnectionHandler, app_state["handler"]).limiter
        self._address = address
        self._deadline: asyncio.TimerHandle | None = None
        # uvicorn declares only its own protocol types here, but it only calls `shutdown` on them.
        self._connections = cast(set[asyncio.Protocol], server_state.connections)

    @property
    def started(self) -> bool:
        """True once `connection_made` was called, so that `connection_lost` will be called."""
        return self._deadline is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the time limit for the first bytes. Called after the TLS handshake."""
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self._deadline = asyncio.get_running_loop().call_later(REQUEST_SECONDS, self._timed_out)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._leave()
        self.release()

    def shutdown(self) -> None:
        """Close the connection; called by uvicorn when the server shuts down."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Pass the transport and these first bytes to the protocol that they belong to."""
        follows = self._websocket(data) or self._http()
        self._leave()
        # First, because an HttpConnection may in turn pass the transport to a WebsocketConnection.
        self._transport.set_protocol(follows)
        follows.connection_made(self._transport)
        follows.data_received(data)

    def release(self) -> None:
        """Release the slot of the address. Idempotent."""
        if self._address:
            self._limiter.pending_requests.release(self._address)
            self._address = ""

    def _websocket(self, data: bytes) -> asyncio.Protocol | None:
        """Return a WebsocketConnection if the data is a usual handshake within the rate limit, otherwise None."""
        headers = websocket_headers(data) if self._config.ws_protocol_class else None
        if headers is None:
            return None
        try:
            count_request(self._limiter, self._transport, headers)
        except Refusal:
            # The HttpConnection will count and refuse the request again, with a response.
            return None
        self.release()
        return WebsocketConnection(self._config, self._server_state, self._app_state)

    def _http(self) -> asyncio.Protocol:
        """Return an HttpConnection with the slot of the address and the rest of the time limit."""
        address, self._address = self._address, ""
        ends_at = self._deadline.when() if self._deadline else None
        return HttpConnection(self._config, self._server_state, self._app_state, address=address, ends_at=ends_at)

    def _leave(self) -> None:
        self._connections.discard(self)
        if self._deadline:
            self._deadline.cancel()

    def _timed_out(self) -> None:
        self._transport.write(TIMEOUT_RESPONSE)
        self._transport.close()
