"""One HTTP connection: a single request or an unusual websocket handshake, within a time limit."""

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import cast

import h11
from uvicorn import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from server.http.callbacks import response_body
from server.pacing.intake import Intake
from server.pacing.limiter import Limiter
from server.rules import requests
from server.rules.refusal import Refusal
from server.rules.requests import RefusedRequest
from server.websocket.connection import peer_of
from server.websocket.handler import ConnectionHandler

REQUEST_SECONDS = 10.0
"""Time for a whole request, until its response is read; a silent or slow client is cut off."""
LINGER_SECONDS = 2.0
"""Time for the client to read a refusal. Closing at once would reset the connection while the client still sends."""

RESPONSE_HEADERS = [("Connection", "close")]
"""Every connection serves one request: bytes after it are never parsed as another request."""

BODY_HEADERS = {b"content-length", b"transfer-encoding"}

PROBES = {b"/healthz", b"/readyz"}
"""Paths that accept any Host, because load balancers use them. Their responses are useless to a web page."""

TIMEOUT_RESPONSE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def count_request(limiter: Limiter, transport: asyncio.BaseTransport, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Count a request by the address of its client. Raises Refusal if it exceeds the limit."""
    forwarded = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    limiter.count_request(limiter.client_key(peer_of(transport), forwarded))


class HttpConnection(H11Protocol):
    """Serves one request. It counts as a pending request of its address until a websocket starts."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        address: str = "",
        ends_at: float | None = None,
    ) -> None:
        """`address` is the rate-limit key whose slot the connection occupies until it ends.

        `ends_at` is the deadline of the request on the loop's clock; None: REQUEST_SECONDS from `connection_made`.
        """
        super().__init__(config, server_state, app_state, _loop)
        self.conn = _CheckingParser(self._check)
        self._handler = cast(ConnectionHandler, app_state["handler"])
        self._limiter = self._handler.limiter
        self._intake = Intake(self._limiter, self._receive)
        self._address = address
        self._ends_at = ends_at
        self._deadline: asyncio.TimerHandle | None = None
        self._refusal: RefusedRequest | None = None
        self._path = b""
        self._method = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's signature
        """See H11Protocol."""
        super().connection_made(transport)
        self.flow = _WriteFlow(transport)
        self._intake.start(transport)
        self._deadline = self.loop.call_at(self._ends_at or self.loop.time() + REQUEST_SECONDS, self._timed_out)

    def connection_lost(self, exc: Exception | None) -> None:
        """See H11Protocol."""
        self._release()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See H11Protocol; bytes are rate-limited like those of a websocket."""
        self._intake.received(data)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """See H11Protocol; hands the transport to a WebsocketConnection."""
        if any(name in BODY_HEADERS and value != b"0" for name, value in event.headers):
            self.send_400_response("A websocket handshake must not have a body.")
            return
        if self._path.startswith(b"/api/"):
            self._refusal = RefusedRequest(HTTPStatus.NOT_FOUND, "There is no websocket here. Connect to /ws.")
            self.send_400_response(self._refusal.message)
            return
        self._release()
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """See H11Protocol, which calls this for malformed requests and for those that `_check` refuses."""
        if self._refusal is None:
            self._refusal = RefusedRequest(HTTPStatus.BAD_REQUEST, msg)
        self._handler.on_refused(self._refusal.status)
        for event in self._refusal_response(self._refusal):
            self.transport.write(self.conn.send(event) or b"")
        self._linger()

    def _release(self) -> None:
        """Release the slot of the address and stop using the transport. Idempotent."""
        if self._deadline:
            self._deadline.cancel()
            self._intake.stop()
        if self._address:
            self._limiter.pending_requests.release(self._address)
            self._address = ""

    def _receive(self, part: bytes) -> None:
        # Bytes after a request or after a refusal are dropped.
        if self._refusal is None and self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            super().data_received(part)

    def _check(self, request: h11.Request, head: bytes) -> None:
        """Check the head of a request before any other work. Raises RemoteProtocolError if the request is refused."""
        self._path, self._method = request.target, request.method
        try:
            count_request(self._limiter, self.transport, request.headers)
            requests.check_body(head)
            self._check_host(request)
        except Refusal as refusal:
            too_many = HTTPStatus.TOO_MANY_REQUESTS
            self._refusal = RefusedRequest(too_many, refusal.message, refusal.retry_after)
        except RefusedRequest as refusal:
            self._refusal = refusal
        if self._refusal:
            raise h11.RemoteProtocolError(self._refusal.message, error_status_hint=self._refusal.status)

    def _check_host(self, request: h11.Request) -> None:
        """Refuse unknown Host names, except for websockets: their Origin is checked, and clients may use any name."""
        self.headers = list(request.headers)
        if self._path.partition(b"?")[0] in PROBES or self._should_upgrade():
            return
        host = next((value for name, value in request.headers if name == b"host"), b"")
        requests.check_host(host.decode("latin-1"), self._handler.policy.allowed_hosts)

    def _refusal_response(self, refusal: RefusedRequest) -> list[h11.Event]:
        """Build the response to a refused request: JSON on paths below /api/, otherwise one line of text."""
        for_site = self._path.startswith(b"/api/")
        body = response_body(refusal.message) if for_site else f"{refusal.message}\n".encode()
        kind = "application/json" if for_site else "text/plain; charset=utf-8"
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), *RESPONSE_HEADERS]
        if refusal.retry_after:
            headers.append(("Retry-After", str(refusal.retry_after)))
        response = h11.Response(status_code=refusal.status, headers=headers, reason=refusal.status.phrase)
        return [response, h11.Data(data=b"" if self._method == b"HEAD" else body), h11.EndOfMessage()]

    def _linger(self) -> None:
        """Half-close, and keep reading for LINGER_SECONDS: unread bytes would turn the close into a reset."""
        if self._deadline:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _timed_out(self) -> None:
        if self.conn.their_state is h11.IDLE:
            self.transport.write(TIMEOUT_RESPONSE)
            self.transport.close()
        else:
            # This includes a client that does not read the response.
            self.transport.abort()


class _CheckingParser(h11.Connection):
    """An h11 server connection that checks the head of each request before anything else sees it."""

    def __init__(self, check: Callable[[h11.Request, bytes], None]) -> None:
        """`check` receives the parsed head and its raw bytes, and raises RemoteProtocolError to refuse the request."""
        super().__init__(h11.SERVER)
        self._check = check
        self._raw = bytearray()

    def receive_data(self, data: bytes) -> None:
        """See h11.Connection."""
        if self.their_state is h11.IDLE:
            self._raw += data
        super().receive_data(data)

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """See h11.Connection."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            behind, _ = self.trailing_data
            self._check(event, bytes(self._raw[: len(self._raw) - len(behind)]))
        return event


class _WriteFlow(FlowControl):
    """Flow control for writing only: the intake controls reading, and bodies are short."""

    def pause_reading(self) -> None:
        """Do nothing: the intake controls reading."""

    def resume_reading(self) -> None:
        """Do nothing: the intake controls reading."""
