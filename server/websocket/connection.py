"""One websocket over websockets' sans-I/O protocol: one write per turn of the event loop, and nothing blocks."""

import asyncio
import logging
import socket
from http import HTTPStatus
from typing import cast

from uvicorn import Config
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol
from websockets.typing import Origin

from server.pacing.intake import SMALL_BYTES, Intake
from server.protocol.address import WEBSOCKET_PATH
from server.protocol.codes import CUT, CloseCode
from server.room.session import Session
from server.rules.refusal import Refusal
from server.websocket.compression import compressed, extension, window_bits
from server.websocket.handler import ConnectionHandler

PING_SECONDS = 20.0
"""Time between pings; a client that sends nothing in this time after a ping is disconnected."""
CLOSE_SECONDS = 5.0
"""Timeout of the closing handshake, after which the connection is cut."""
LOGIN_SECONDS = 10.0
"""Timeout of the login, from the start of the handshake."""
MAX_UNSENT_BYTES = 256 * 1024
"""Unread bytes in this process above which a client has UNREAD_SECONDS to catch up. The kernel buffers some more."""
UNREAD_SECONDS = 2.0
"""Time for which a client may have more than MAX_UNSENT_BYTES unread."""
MAX_BACKLOG_BYTES = 2 * MAX_UNSENT_BYTES
"""Maximum unread bytes at any time."""
SOCKET_BYTES = 128 * 1024
"""Size of the kernel's send buffer."""
UNACKNOWLEDGED_MILLISECONDS = 30_000
"""Time after which the kernel closes a connection whose peer acknowledges no data."""
FRAME_COST_BYTES = 512
"""Bytes charged for each frame in addition to its own, because every frame has a fixed cost."""

log = logging.getLogger(__name__)
_protocol_log = logging.getLogger("websockets.server")


def peer_of(transport: asyncio.BaseTransport) -> str:
    """Return the IP address of the peer; "" if the connection does not use IP."""
    name: object = transport.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else ""


class WebsocketConnection(asyncio.Protocol):
    """The websocket protocol class for uvicorn; passes messages to `app_state["handler"]`."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, object]) -> None:
        del config
        # uvicorn declares only its own protocol types here, but it only calls `shutdown` on them.
        self._connections = cast(set[asyncio.Protocol], server_state.connections)
        self._handler = cast(ConnectionHandler, app_state["handler"])
        self._limiter = self._handler.limiter
        policy = self._handler.policy
        origins: list[Origin | None] = [None, *(Origin(origin) for origin in policy.allowed_origins)]
        self._protocol = ServerProtocol(
            origins=origins,
            extensions=[extension()] if policy.compression else None,
            max_size=self._limiter.frame_bytes,
            logger=_protocol_log,
        )
        self._window_bits = 0
        """Window size of the negotiated compression; 0 if it is off."""
        self._loop = asyncio.get_running_loop()
        self._session = Session(self)
        self._opened = False
        self._writable = False
        self._intake = Intake(self._limiter, self._receive)
        self._message = bytearray()
        self._fragments = 0
        self._outgoing: list[bytes] = []
        self._received_since_ping = True
        self._keepalive: asyncio.TimerHandle | None = None
        self._deadline = self._loop.call_later(LOGIN_SECONDS, self._login_timed_out)
        self._closing = False
        self._unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start reading, and limit the buffers for a client that does not read."""
        self._transport = cast(asyncio.Transport, transport)
        self._intake.start(self._transport)
        self._transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
        self._connections.add(self)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
            if hasattr(socket, "TCP_USER_TIMEOUT") and sock.family in {socket.AF_INET, socket.AF_INET6}:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MILLISECONDS)

    def data_received(self, data: bytes) -> None:
        """Read bytes at the allowed rate, answer control frames, and pass on complete messages."""
        self._received_since_ping = True
        self._intake.received(data)

    def pause_writing(self) -> None:
        """Start the time limit of a client that leaves too much unread. Once cut off, it reconnects and resumes."""
        self._unread_timer = self._loop.call_later(UNREAD_SECONDS, self._cut)
        self._check_backlog()

    def resume_writing(self) -> None:
        """End the time limit: the client has read enough."""
        if self._unread_timer:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _check_backlog(self) -> None:
        if self._unread_timer and self.unsent > MAX_BACKLOG_BYTES:
            self._cut()

    def _cut(self) -> None:
        log.info("connection cut: the client does not read")
        self._writable = False
        self._transport.abort()

    def eof_received(self) -> None:
        """Handle the end of the client's stream. The transport closes itself afterwards."""
        self._protocol.receive_eof()
        self._schedule()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything, and report the end of the session."""
        del exc
        self._connections.discard(self)
        self._deadline.cancel()
        if self._keepalive:
            self._keepalive.cancel()
        self.resume_writing()
        self._outgoing.clear()
        self._intake.stop()
        if self._opened:
            self._opened = self._writable = False
            self._limiter.close_connection(self._session.address)
            self._handler.on_close(self._session, self._close_code())

    def shutdown(self) -> None:
        """Ask the client to reconnect later; called by uvicorn when the server shuts down."""
        if self._protocol.state is State.OPEN:
            self._session.close(CloseCode.SERVICE_RESTART, "The server is restarting.", reconnect=True)
        elif self._protocol.state is State.CONNECTING:
            self._transport.close()

    @property
    def unsent(self) -> int:
        """Bytes written for the client that it has not read yet."""
        return self._transport.get_write_buffer_size()

    def write(self, wire: bytes) -> None:
        """Queue framed bytes. Everything queued is sent in one write at the end of this turn of the event loop."""
        if self._writable:
            self._outgoing.append(compressed(wire, self._window_bits) if self._window_bits else wire)
            if len(self._outgoing) == 1:
                self._loop.call_soon(self._flush)

    def write_now(self, wire: bytes) -> None:
        """Send framed bytes at once, after those that are queued."""
        if self._outgoing:
            self.write(wire)
            self._flush()
        elif self._writable and not self._transport.is_closing():
            self._transport.write(compressed(wire, self._window_bits) if self._window_bits else wire)
            self._check_backlog()

    def close(self, code: CloseCode, reason: str) -> None:
        """Start the closing handshake after everything written so far."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._schedule()

    def pause(self) -> None:
        """Stop reading from the client until each `pause` has been undone by a `resume`."""
        self._intake.pause()

    def resume(self) -> None:
        """Undo one `pause`."""
        self._intake.resume()

    def _receive(self, part: bytes) -> None:
        """Parse a part of the received bytes, and handle its frames."""
        self._protocol.max_message_size = self._limiter.frame_bytes
        self._protocol.receive_data(part)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._handshake(event)
                # The protocol retains the request, and its headers would occupy 1.7 KiB for each connection.
                event.headers.clear()
                continue
            frame = cast(Frame, event)
            self._intake.count(FRAME_COST_BYTES + (len(frame.data) if self._window_bits else 0))
            if self._protocol.state is State.OPEN:
                self._receive_frame(frame)
        self._schedule()

    def _handshake(self, request: Request) -> None:
        self._protocol.send_response(self._answer(request))
        self._collect_protocol_output()
        if self._protocol.state is State.OPEN:
            self._opened = self._writable = True
            self._window_bits = window_bits(self._protocol.extensions)
            if self._window_bits:
                # A compressed part may expand to a thousand times its size.
                self._intake.part_bytes = SMALL_BYTES
            self._keepalive = self._loop.call_later(PING_SECONDS, self._ping)
            self._handler.on_open(self._session)

    def _answer(self, request: Request) -> Response:
        """Return the response to the handshake; count the connection if it is accepted."""
        if request.path.partition("?")[0] != WEBSOCKET_PATH:
            return self._protocol.reject(404, f"There is no websocket here. Connect to {WEBSOCKET_PATH}.\n")
        response = self._protocol.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._handler.on_refused(response.status_code)
            return response
        address = self._limiter.client_key(peer_of(self._transport), request.headers.get_all("X-Forwarded-For"))
        try:
            self._limiter.open_connection(address)
        except Refusal as refusal:
            self._handler.on_refused(HTTPStatus.TOO_MANY_REQUESTS)
            response = self._protocol.reject(429, f"{refusal.message}\n")
            response.headers["Retry-After"] = str(refusal.retry_after)
            return response
        self._session.address = address
        return response

    def _receive_frame(self, frame: Frame) -> None:
        """Join fragments into messages. The protocol has already checked their order and total size."""
        if frame.opcode is Opcode.BINARY:
            self._protocol.fail(CloseCode.UNSUPPORTED_DATA, "binary frame; send text frames")
        elif frame.opcode is Opcode.PING:
            # Queue the pong now, so that replies are in the order of the requests.
            self._collect_protocol_output()
        if frame.opcode not in {Opcode.TEXT, Opcode.CONT}:
            return
        self._message += frame.data
        self._fragments += 1
        if frame.fin:
            data, self._message, self._fragments = bytes(self._message), bytearray(), 0
            self._receive_text(data)
        elif self._fragments == self._limiter.frame_bytes:
            # The protocol limits bytes only, and fragments may be empty.
            self._protocol.fail(CloseCode.TOO_BIG, "too many fragments; send the message in one frame")

    def _receive_text(self, data: bytes) -> None:
        try:
            data.decode()
        except UnicodeDecodeError:
            self._protocol.fail(CloseCode.INVALID_TEXT, "text is not valid UTF-8")
        else:
            self._handler.on_message(self._session, data)

    def _schedule(self) -> None:
        """Queue the protocol's own output after earlier writes; limit the time of a closing handshake."""
        self._collect_protocol_output()
        self._writable = self._writable and self._protocol.state is State.OPEN
        if self._protocol.close_expected() and not self._closing:
            self._closing = True
            self._deadline.cancel()
            self._deadline = self._loop.call_later(CLOSE_SECONDS, self._transport.abort)

    def _collect_protocol_output(self) -> None:
        output = self._protocol.data_to_send()
        if output and not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing += output

    def _flush(self) -> None:
        """Send everything queued in this turn of the event loop in one write."""
        outgoing, self._outgoing = self._outgoing, []
        if not outgoing or self._transport.is_closing():
            return
        self._transport.write(b"".join(outgoing))
        self._check_backlog()
        if outgoing[-1] == SEND_EOF and not self._transport.is_closing():
            self._finish_writing()

    def _close_code(self) -> int:
        sent, received = self._protocol.close_sent, self._protocol.close_rcvd
        first = received if self._protocol.close_rcvd_then_sent else sent or received
        return first.code if first else CUT

    def _finish_writing(self) -> None:
        # Half-close, because bytes that the client still sends would turn the close frame into a reset.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _ping(self) -> None:
        # While reading is paused, an answer cannot be seen.
        if not self._received_since_ping and not self._intake.paused:
            self._protocol.fail(CloseCode.INTERNAL_ERROR, "no answer to a ping")
        elif self._protocol.state is State.OPEN:
            self._received_since_ping = False
            self._protocol.send_ping(b"")
            self._keepalive = self._loop.call_later(PING_SECONDS, self._ping)
        self._schedule()

    def _login_timed_out(self) -> None:
        if self._protocol.state is State.CONNECTING:
            self._transport.abort()
        elif self._session.verifying or self._session.delay_queue.held:
            # The login waits for the database, which may have many queued writes.
            self._deadline = self._loop.call_later(LOGIN_SECONDS, self._login_timed_out)
        elif self._session.person is None:
            self._session.close(
                CloseCode.LOGIN_TIMEOUT, f"No login within {LOGIN_SECONDS:.0f} s; reconnect and log in.", reconnect=True
            )
