"""The websocket to a server: connects, reads, batches and reconnects; knows frames, and no screen."""

import asyncio
import random
from collections.abc import Callable
from ssl import SSLCertVerificationError, SSLError

from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI

from server.protocol.codec import BadFrame, decode_server, encode
from server.protocol.codes import CloseCode
from server.protocol.frames import Frame, Login, ServerFrame
from tui.limits import MAX_FRAME_BYTES
from tui.net import handshake, own_socket, server_address, trust
from tui.net.client_session import IMPOSTOR, ClientSession
from tui.text import clean_frame, clean_line

GATHER_SECONDS = 1 / 60
"""Frames that arrive within this time are delivered together, so that the screen draws once for all of them."""
OPEN_SECONDS = 10.0
CLOSE_SECONDS = 1.0
PING_SECONDS = 20.0
YIELD_BYTES = 64 * 1024
"""Yield to the event loop after this many bytes: reading frames that are already buffered never waits."""
ABNORMAL = 1006


class Connecting(Struct, frozen=True):
    """A connection is being made."""


class Received(Struct, frozen=True):
    """Frames arrived, and are cleaned for display."""

    frames: list[ServerFrame]
    left_out: bool = False
    """True if lists in them had more entries than this client accepts."""


class Lost(Struct, frozen=True):
    """The connection is lost: the reason, and the seconds until the next attempt (None: never)."""

    why: str
    retry_seconds: float | None


Event = Connecting | Received | Lost


class _Direct(connect):
    """A connection to the server that was named: redirects are reported, never followed."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the error, so that the library raises it."""
        return exc


class Connection:
    """One server; `run` stays connected to it until cancelled, and then closes the connection."""

    def __init__(self, url: str, session: ClientSession, on_event: Callable[[Event], None]) -> None:
        self._url = url
        self._session = session
        self._on_event = on_event
        self._socket: ClientConnection | None = None
        self._gathered: list[ServerFrame] = []
        self._left_out = False

    async def run(self) -> None:
        """Connect, read until the connection is lost, wait, and repeat."""
        while True:
            self._on_event(Connecting())
            why, code = await self._once()
            retry = self._session.wait_seconds(code, random.random())  # noqa: S311 - only spreads the clients
            self._on_event(Lost(why, retry))
            if retry is None:
                return
            await asyncio.sleep(retry)

    async def send(self, frame: Frame) -> bool:
        """Send a frame; return False if there is no connection, or the server has to prove its identity first."""
        if self._socket is None or not self._session.may_send(frame):
            return False
        try:
            await self._socket.send(encode(frame), text=True)
        except ConnectionClosed:
            return False
        return True

    async def _once(self) -> tuple[str, int]:
        """Run one connection from start to end; return why it ended, and its close code."""
        try:
            uri, place = own_socket.target(self._url)
            async with _Direct(
                uri,
                compression="deflate",
                max_size=MAX_FRAME_BYTES,
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=PING_SECONDS,
                ping_timeout=PING_SECONDS,
                proxy=server_address.proxy(self._url),
                **place,
            ) as socket:
                self._session.connected()
                self._socket = socket
                return await self._read(socket)
        except SSLCertVerificationError as error:
            # It is also a ValueError, so it has to be caught first.
            return trust.unverified(error), ABNORMAL
        except (InvalidURI, OverflowError, ValueError):
            # The last two errors come from deeper layers, for an invalid port or host name.
            return f"{server_address.shown(self._url)} is not a ws:// or wss:// address", CloseCode.NORMAL
        except InvalidStatus as error:
            return handshake.refused(self._url, error.response), ABNORMAL
        except InvalidHandshake:
            return "what answers there is no websocket server", ABNORMAL
        except InvalidProxy:
            return "the proxy of the environment is not an http:// address; correct HTTPS_PROXY", ABNORMAL
        except ImportError:
            return "SOCKS proxies need another package: pip install python-socks", ABNORMAL
        except TimeoutError:
            return f"no answer within {OPEN_SECONDS:.0f} s", ABNORMAL
        except SSLError:
            return trust.NOT_SPOKEN, ABNORMAL
        except OSError as error:
            return clean_line(_reason(error)), ABNORMAL
        finally:
            self._socket = None

    async def _read(self, socket: ClientConnection) -> tuple[str, int]:
        try:
            taken = 0
            while True:
                data = await socket.recv(decode=False)
                if again := self._take(data):
                    await socket.send(encode(again), text=True)
                if self._session.impostor:
                    self._socket = None
                    await socket.close(CloseCode.NORMAL)
                    return IMPOSTOR, CloseCode.NORMAL
                taken += len(data)
                if taken >= YIELD_BYTES:
                    taken = 0
                    await asyncio.sleep(0)
        except asyncio.CancelledError:
            # Leaving the context by an exception would close with 1011, as if this client had failed.
            await socket.close(CloseCode.NORMAL)
            raise
        except ConnectionClosed as closed:
            self._hand_on()
            if closed.sent and closed.sent.code == CloseCode.TOO_BIG and not closed.rcvd_then_sent:
                return "it sent more at once than this client takes", CloseCode.TOO_BIG
            if closed.rcvd:
                # It becomes part of a sentence.
                why = clean_line(closed.rcvd.reason).removesuffix(".")
                return why or "the server closed the connection", closed.rcvd.code
            return "the connection broke off", ABNORMAL

    def _take(self, data: bytes) -> Login | None:
        """Batch a frame; return the next login if the server did not know the person of the last one."""
        try:
            frame = clean_frame(decode_server(data), self._leave_out)
        except BadFrame:
            # From a later version of the protocol, which this client can ignore.
            return None
        if again := self._session.again(frame):
            return again
        if self._session.passes(frame):
            self._gather(frame)
        return None

    def _gather(self, frame: ServerFrame) -> None:
        self._gathered.append(frame)
        if len(self._gathered) == 1:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._hand_on)

    def _leave_out(self) -> None:
        self._left_out = True

    def _hand_on(self) -> None:
        received = Received(self._gathered, self._left_out)
        self._gathered, self._left_out = [], False
        if received.frames:
            self._on_event(received)


def _reason(error: OSError) -> str:
    """Return a short description; asyncio joins the errors of several addresses into one without an errno."""
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "nothing listens there"
    return error.strerror or str(error) or "the connection broke off before it stood"
