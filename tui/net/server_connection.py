"""The websocket to a server: connects, reads, batches frames and reconnects; knows nothing of the interface."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from ssl import SSLCertVerificationError, SSLError
from typing import NamedTuple

from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from server.protocol.codec import BadFrame, encode
from server.protocol.codes import CUT, CloseCode
from server.protocol.frames import Frame, Login, Presences, ServerFrame
from tui.clean_frames import clean_frame
from tui.limits import MAX_FRAME_BYTES
from tui.net import handshake, own_socket, proxies, server_address, trust, unreachable
from tui.net.client_session import IMPOSTOR, ClientSession
from tui.net.wire import FlagpostWire, Wire
from tui.text import clean_line

GATHER_SECONDS = 1 / 60
"""Frames that arrive within this time are delivered together, so that the screen draws once for all of them."""
OPEN_SECONDS = 10.0
CLOSE_SECONDS = 1.0
SILENT_SECONDS = 1.5
"""A server that has sent nothing for this long after the start may be waiting for the client to speak first."""
PING_SECONDS = 20.0
YIELD_BYTES = 64 * 1024
"""Yield to the event loop after this many bytes: reading frames that are already buffered never waits."""


class Connecting(Struct, frozen=True):
    """The start of an attempt to connect."""


class Received(Struct, frozen=True):
    """Frames that arrived, cleaned for display."""

    frames: list[ServerFrame]
    left_out: bool = False
    """True if lists in them had more entries than this client accepts."""


class Lost(Struct, frozen=True):
    """The loss of a connection: the reason, and the seconds until the next attempt (None: never)."""

    why: str
    retry_seconds: float | None


Event = Connecting | Received | Lost


class Failure(NamedTuple):
    """The reason why a connection failed or ended, and a close code that says whether another attempt may succeed."""

    why: str
    code: int


class _Direct(connect):
    """A connection to the server that was named: redirects are reported, never followed."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the error, so that the library raises it."""
        return exc


class Connection:
    """One server; `run` stays connected to it until cancelled, and then closes the connection."""

    def __init__(
        self, url: str, session: ClientSession, on_event: Callable[[Event], None], wire: Wire | None = None
    ) -> None:
        self._url = url
        self._session = session
        self._on_event = on_event
        self._wire = wire or FlagpostWire()
        self._working: set[asyncio.Task[None]] = set()
        self._socket: ClientConnection | None = None
        self._gathered: list[ServerFrame] = []
        self._left_out = False
        self._hurried = asyncio.Event()

    async def run(self) -> None:
        """Connect, read until the connection is lost, wait, and repeat."""
        while True:
            self._on_event(Connecting())
            why, code = await self._once()
            retry = self._session.wait_seconds(code, random.random())  # noqa: S311 - only spreads the clients
            self._on_event(Lost(why, retry))
            if retry is None:
                return
            await self._wait(retry)

    def hurry(self) -> None:
        """Reconnect now: end the wait for the next attempt, or replace the connection."""
        self._hurried.set()
        if self._socket:
            self._socket.transport.abort()

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
        self._hurried.clear()

    async def send(self, frame: Frame) -> bool:
        """Send a frame; return False if there is no connection, or the server has to prove its identity first."""
        socket = self._socket
        if socket is None or not self._session.may_send(frame):
            return False
        outgoing = self._wire.send(frame)
        try:
            for wire in outgoing.wires:
                await socket.send(wire, text=True)
        except ConnectionClosed:
            return False
        if self._socket is not socket:
            # The connection was replaced while sending; the answers belong to the old one.
            return False
        for answer in outgoing.answers:
            self._gather(clean_frame(answer, self._leave_out))
        if outgoing.work:
            task = asyncio.create_task(self._fetch(outgoing.work))
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return True

    async def _fetch(self, work: Callable[[], Sequence[ServerFrame]]) -> None:
        for answer in await asyncio.to_thread(work):
            self._gather(clean_frame(answer, self._leave_out))

    async def _once(self) -> Failure:
        """Run one connection from start to end; return why it ended."""
        opened = await self._open()
        if isinstance(opened, Failure):
            return opened
        async with opened as socket:
            self._session.connected()
            self._socket = socket
            try:
                return await self._read(socket)
            finally:
                self._socket = None
                # Nothing of this connection may arrive later: the owner may use another server by then.
                self._deliver()
                for task in self._working:
                    task.cancel()

    async def _open(self) -> ClientConnection | Failure:
        """Connect; return the websocket, or why there is none."""
        proxy = None
        try:
            proxy = proxies.choose(self._url)
            uri, place = own_socket.target(self._url)
            return await _Direct(
                uri,
                compression="deflate",
                max_size=MAX_FRAME_BYTES,
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=PING_SECONDS,
                ping_timeout=PING_SECONDS,
                proxy=proxy.url if proxy else None,
                **place,
            )
        except proxies.ProxyFault as fault:
            # Another attempt would meet the same environment.
            return Failure(str(fault), CloseCode.NORMAL)
        except Exception as error:
            by_proxy = proxies.explain(proxy, self._url, error) if proxy else None
            return Failure(by_proxy, CUT) if by_proxy else _failure(self._url, error)

    async def _read(self, socket: ClientConnection) -> Failure:
        """Read until the connection ends; return why it ended."""
        try:
            return await self._read_open(socket)
        except asyncio.CancelledError:
            # Leaving the context by an exception would close with 1011, as if this client had failed.
            await socket.close(CloseCode.NORMAL)
            raise
        except ConnectionClosed as closed:
            return _explain_close(closed)

    async def _read_open(self, socket: ClientConnection) -> Failure:
        """Read until this client closes the connection; return why it did."""
        unyielded = 0
        data = await self._first(socket)
        while True:
            next_login = self._receive(data)
            socket.protocol.max_message_size = self._wire.max_bytes
            if next_login:
                await socket.send(encode(next_login), text=True)
            if self._session.impostor:
                self._socket = None
                await socket.close(CloseCode.NORMAL)
                return Failure(IMPOSTOR, CloseCode.NORMAL)
            if ended := self._wire.ended:
                self._deliver()
                await socket.close(CloseCode.NORMAL)
                return Failure(clean_line(ended).removesuffix("."), CloseCode.NORMAL)
            unyielded += len(data)
            if unyielded >= YIELD_BYTES:
                unyielded = 0
                await asyncio.sleep(0)
            data = await socket.recv(decode=False)

    async def _first(self, socket: ClientConnection) -> bytes:
        """Return the first message; if the server stays silent, send it what `silent` returns."""
        for wire in self._wire.opened():
            await socket.send(wire, text=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(SILENT_SECONDS):
                return await socket.recv(decode=False)
        for wire in self._wire.silent():
            await socket.send(wire, text=True)
        return await socket.recv(decode=False)

    def _receive(self, data: bytes) -> Login | None:
        """Batch the frames of a message; return the next login if the server did not know the last identity."""
        try:
            received = self._wire.receive(data)
        except BadFrame:
            # A frame of a later version of the protocol, which this client can ignore.
            return None
        for each in received:
            frame = clean_frame(each, self._leave_out)
            if again := self._session.again(frame):
                return again
            if self._session.passes(frame):
                for change in frame.changes if isinstance(frame, Presences) else (frame,):
                    self._gather(change)
        return None

    def _gather(self, frame: ServerFrame) -> None:
        self._gathered.append(frame)
        if len(self._gathered) == 1:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._deliver)

    def _leave_out(self) -> None:
        self._left_out = True

    def _deliver(self) -> None:
        received = Received(self._gathered, self._left_out)
        self._gathered, self._left_out = [], False
        if received.frames:
            self._on_event(received)


def _explain_close(closed: ConnectionClosed) -> Failure:
    """Explain why a connection ended."""
    if closed.sent and closed.sent.code == CloseCode.TOO_BIG and not closed.rcvd_then_sent:
        return Failure("the server sent more at once than this client accepts", CloseCode.TOO_BIG)
    if closed.rcvd:
        # The reason becomes part of a sentence.
        why = clean_line(closed.rcvd.reason).removesuffix(".")
        return Failure(why or "the server closed the connection", closed.rcvd.code)
    return Failure("the connection was lost", CUT)


def _failure(url: str, error: Exception) -> Failure:
    """Explain why a connection could not be made."""
    match error:
        # This is also a ValueError, so its case must be the first.
        case SSLCertVerificationError():
            return Failure(trust.unverified(error), CUT)
        # Deeper layers raise the last two for an invalid port or host name.
        case InvalidURI() | OverflowError() | ValueError():
            return Failure(f"{server_address.shown(url)} is not a ws:// or wss:// address", CloseCode.NORMAL)
        case InvalidStatus():
            full = error.response.status_code == HTTPStatus.TOO_MANY_REQUESTS
            return Failure(handshake.refused(url, error.response), CloseCode.TRY_AGAIN_LATER if full else CUT)
        case InvalidHandshake():
            return Failure("the server there is not a websocket server; check the address", CUT)
        case TimeoutError():
            return Failure(f"no answer within {OPEN_SECONDS:.0f} s", CUT)
        case SSLError():
            return Failure(trust.NOT_SPOKEN, CUT)
        case OSError():
            return Failure(clean_line(unreachable.reason(error)), CUT)
    return Failure(clean_line(f"the connection could not be made: {error!r}"), CUT)
