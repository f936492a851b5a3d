"""One websocket: bytes in and out over websockets' Sans-I/O protocol, one write per loop turn, nobody waited for."""

import asyncio
import logging
import socket
from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import Protocol, cast

from uvicorn import Config
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol
from websockets.typing import Origin

from server.pacing.intake import SMALL_BYTES, Intake
from server.pacing.limiter import Limiter
from server.protocol.address import WEBSOCKET_PATH
from server.protocol.codes import CUT, CloseCode
from server.room.session import Session
from server.rules.refusal import Refusal
from server.websocket.compression import compressed, extension, window_bits

PING_SECONDS = 20.0
"""Between pings; a client that sent nothing at all in this time after a ping is gone."""
CLOSE_SECONDS = 5.0
"""For the closing handshake; after it the connection is cut."""
LOGIN_SECONDS = 10.0
"""For a login, from the beginning of the handshake."""
MAX_UNSENT_BYTES = 256 * 1024
"""What a client may leave unread in this process before it is cut off; the kernel holds SOCKET_BYTES besides."""
SOCKET_BYTES = 128 * 1024
UNACKNOWLEDGED_MILLISECONDS = 30_000
FRAME_COST_BYTES = 512
"""What a frame of any kind counts for besides its own bytes, so that many small ones are no cheaper than they are."""

log = logging.getLogger(__name__)
_protocol_log = logging.getLogger("websockets.server")


def peer_of(transport: asyncio.BaseTransport) -> str:
    """The address that a connection comes from; empty if it is none of IP."""
    name: object = transport.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else ""


class Receiver(Protocol):
    """Who takes what comes over connections: the room."""

    @property
    def allowed_origins(self) -> Sequence[str]:
        """Web pages that may connect, besides clients that send no Origin."""

    @property
    def allowed_hosts(self) -> Collection[str]:
        """Names by which HTTP requests may call the server."""

    @property
    def compression(self) -> bool:
        """Whether clients that ask for it are sent compressed messages, and may send them."""

    @property
    def limiter(self) -> Limiter:
        """How much may come."""

    def refused(self, status: int) -> None:
        """Count a connection that was refused with this HTTP status; 0: closed without an answer."""

    def opened(self, session: Session) -> None:
        """The handshake is done."""

    def received(self, session: Session, data: bytes) -> None:
        """One text message, UTF-8, came."""

    def closed(self, session: Session, code: int) -> None:
        """The connection is gone; called once, and only after `opened`. The code of whoever closed first; 1006: cut."""


class Connection(asyncio.Protocol):
    """The class that uvicorn hands an upgrade to; `app_state["receiver"]` takes what comes."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, object]) -> None:
        del config
        # uvicorn names the types of its own protocols only; all that it does with them is call `shutdown`.
        self._connections = cast(set[asyncio.Protocol], server_state.connections)
        self._receiver = cast(Receiver, app_state["receiver"])
        self._limiter = self._receiver.limiter
        origins: list[Origin | None] = [None, *(Origin(origin) for origin in self._receiver.allowed_origins)]
        self._protocol = ServerProtocol(
            origins=origins,
            extensions=[extension()] if self._receiver.compression else None,
            max_size=self._limiter.frame_bytes,
            logger=_protocol_log,
        )
        self._window_bits = 0
        """Of the compression that was agreed on."""
        self._loop = asyncio.get_running_loop()
        self._session = Session(self)
        self._opened = False
        self._writable = False
        self._intake = Intake(self._limiter, self._take)
        self._message = bytearray()
        self._fragments = 0
        self._outgoing: list[bytes] = []
        self._heard = True
        self._keepalive: asyncio.TimerHandle | None = None
        self._deadline = self._loop.call_later(LOGIN_SECONDS, self._login_late)
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what the kernel keeps for a client that does not read."""
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
        """Read what came, answer what the protocol itself answers, hand on whole messages."""
        self._heard = True
        self._intake.received(data)

    def pause_writing(self) -> None:
        """The client has left MAX_UNSENT_BYTES unread: it is cut off, and resumes."""
        log.info("a client does not read; its connection is cut")
        self._writable = False
        self._transport.abort()

    def eof_received(self) -> None:
        """The client will send no more; the transport closes by itself after this."""
        self._protocol.receive_eof()
        self._schedule()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing can be sent any more."""
        del exc
        self._connections.discard(self)
        self._deadline.cancel()
        if self._keepalive:
            self._keepalive.cancel()
        self._outgoing.clear()
        self._intake.stop()
        if self._opened:
            self._opened = self._writable = False
            self._limiter.leave(self._session.address)
            self._receiver.closed(self._session, self._close_code())

    def shutdown(self) -> None:
        """The server ends (uvicorn calls this): tell the client that it may come back."""
        if self._protocol.state is State.OPEN:
            self._session.close(CloseCode.SERVICE_RESTART, "The server restarts.", reconnect=True)
        elif self._protocol.state is State.CONNECTING:
            self._transport.close()

    @property
    def unsent(self) -> int:
        """Bytes that the client has left unread in this process."""
        return self._transport.get_write_buffer_size()

    def write(self, wire: bytes) -> None:
        """Send framed bytes at the end of this loop turn, together with all others of it."""
        if self._writable:
            self._outgoing.append(compressed(wire, self._window_bits) if self._window_bits else wire)
            if len(self._outgoing) == 1:
                self._loop.call_soon(self._flush)

    def write_now(self, wire: bytes) -> None:
        """Send framed bytes at once, after what waits for the end of this loop turn."""
        if self._outgoing:
            self.write(wire)
            self._flush()
        elif self._writable and not self._transport.is_closing():
            self._transport.write(compressed(wire, self._window_bits) if self._window_bits else wire)

    def close(self, code: CloseCode, reason: str) -> None:
        """Begin the closing handshake after what was written."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._schedule()

    def pause(self) -> None:
        """Take nothing from the client until there was a `resume` for each."""
        self._intake.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._intake.resume()

    def _take(self, part: bytes) -> None:
        """Hand on a part of what came."""
        self._protocol.receive_data(part)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._handshake(event)
                continue
            frame = cast(Frame, event)
            self._intake.count(FRAME_COST_BYTES + (len(frame.data) if self._window_bits else 0))
            if self._protocol.state is State.OPEN:
                self._frame(frame)
        self._schedule()

    def _handshake(self, request: Request) -> None:
        self._protocol.send_response(self._answer(request))
        self._take_protocol_output()
        if self._protocol.state is State.OPEN:
            self._opened = self._writable = True
            self._window_bits = window_bits(self._protocol.extensions)
            if self._window_bits:
                # Compressed, a part may hold a thousand times its size.
                self._intake.part_bytes = SMALL_BYTES
            self._keepalive = self._loop.call_later(PING_SECONDS, self._ping)
            self._receiver.opened(self._session)

    def _answer(self, request: Request) -> Response:
        """101, and the connection is counted; or why not."""
        if request.path.partition("?")[0] != WEBSOCKET_PATH:
            return self._protocol.reject(404, f"The chat room is at {WEBSOCKET_PATH}.\n")
        response = self._protocol.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._receiver.refused(response.status_code)
            return response
        address = self._limiter.address(peer_of(self._transport), request.headers.get_all("X-Forwarded-For"))
        try:
            self._limiter.enter(address)
        except Refusal as refusal:
            self._receiver.refused(HTTPStatus.TOO_MANY_REQUESTS)
            response = self._protocol.reject(429, f"{refusal.message}\n")
            response.headers["Retry-After"] = str(refusal.retry_after)
            return response
        self._session.address = address
        return response

    def _frame(self, frame: Frame) -> None:
        """Gather fragments into messages; the protocol has checked their order and their size together."""
        if frame.opcode is Opcode.BINARY:
            self._protocol.fail(CloseCode.UNSUPPORTED_DATA, "every frame is text")
        elif frame.opcode is Opcode.PING:
            # Answers stand in the order of what they answer.
            self._take_protocol_output()
        if frame.opcode not in {Opcode.TEXT, Opcode.CONT}:
            return
        self._message += frame.data
        self._fragments += 1
        if frame.fin:
            data, self._message, self._fragments = bytes(self._message), bytearray(), 0
            self._text(data)
        elif self._fragments == self._limiter.frame_bytes:
            # The protocol counts bytes, and a fragment can be empty.
            self._protocol.fail(CloseCode.TOO_BIG, "endless fragments")

    def _text(self, data: bytes) -> None:
        try:
            data.decode()
        except UnicodeDecodeError:
            self._protocol.fail(CloseCode.INVALID_TEXT, "not UTF-8")
        else:
            self._receiver.received(self._session, data)

    def _schedule(self) -> None:
        """Send what the protocol has to say after what was written before it."""
        self._take_protocol_output()
        self._writable = self._writable and self._protocol.state is State.OPEN
        if self._protocol.close_expected() and not self._closing:
            self._closing = True
            self._deadline.cancel()
            self._deadline = self._loop.call_later(CLOSE_SECONDS, self._transport.abort)

    def _take_protocol_output(self) -> None:
        output = self._protocol.data_to_send()
        if output and not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing += output

    def _flush(self) -> None:
        """One write for the whole turn."""
        outgoing, self._outgoing = self._outgoing, []
        if not outgoing or self._transport.is_closing():
            return
        self._transport.write(b"".join(outgoing))
        if outgoing[-1] == SEND_EOF and not self._transport.is_closing():
            self._end()

    def _close_code(self) -> int:
        sent, came = self._protocol.close_sent, self._protocol.close_rcvd
        first = came if self._protocol.close_rcvd_then_sent else sent or came
        return first.code if first else CUT

    def _end(self) -> None:
        # Half-close, so that what the client is still sending cannot turn the close frame into a reset.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _ping(self) -> None:
        # Whoever is not read cannot be heard either.
        if not self._heard and not self._intake.paused:
            self._protocol.fail(CloseCode.INTERNAL_ERROR, "no answer to a ping")
        elif self._protocol.state is State.OPEN:
            self._heard = False
            self._protocol.send_ping(b"")
            self._keepalive = self._loop.call_later(PING_SECONDS, self._ping)
        self._schedule()

    def _login_late(self) -> None:
        if self._protocol.state is State.CONNECTING:
            self._transport.abort()
        elif self._session.person is None:
            self._session.close(CloseCode.LOGIN_TIMEOUT, "Nobody logged in.", reconnect=True)
