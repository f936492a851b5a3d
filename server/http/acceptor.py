"""Accepts connections, and counts each against the limit of its address before any other work, such as TLS."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

from server.http.opening import OpeningConnection
from server.websocket.handler import ConnectionHandler

HANDSHAKE_SECONDS = 5.0
"""Timeout of the TLS handshake; a silent or slow client is cut off."""
SHUTDOWN_SECONDS = 1.0
"""Timeout of the TLS shutdown, after the websocket has closed."""
RETRY_SECONDS = 1.0
"""Delay before accepting again after a failure."""
QUIET_SECONDS = 60.0
"""Time without a failure after which the next failure is logged again."""

log = logging.getLogger(__name__)


class Acceptor:
    """Accepts on one listening socket.

    `loop.create_server` is unsuitable: it starts TLS before the connection can be counted, and uvloop's version does
    not report that file descriptors have run out.
    """

    def __init__(
        self, handler: ConnectionHandler, make: Callable[[str], OpeningConnection], context: ssl.SSLContext | None
    ) -> None:
        """`make` is called with the connection's rate-limit key, see `Limiter.peer_key`."""
        self._handler = handler
        self._make = make
        self._context = context
        self._opening: set[asyncio.Task[None]] = set()
        self._last_failure = -QUIET_SECONDS

    async def run(self, sock: socket.socket) -> None:
        """Accept until cancelled. Connections whose TLS handshake is unfinished by then are closed."""
        sock.settimeout(0)
        try:
            while True:
                try:
                    accepted, peer = await _next(sock)
                except ConnectionError:
                    # The client disconnected at once.
                    pass
                except OSError as error:
                    await self._handle_failure(error)
                else:
                    self._handle_accepted(accepted, str(peer[0]) if isinstance(peer, tuple) else "")
                # Let other work run between two connections.
                await asyncio.sleep(0)
        finally:
            for task in self._opening:
                task.cancel()

    async def _handle_failure(self, error: OSError) -> None:
        """Log only the first of a series of failures, and wait for connections to close."""
        now = asyncio.get_running_loop().time()
        if now - self._last_failure >= QUIET_SECONDS:
            log.error(
                "cannot accept connections until others close; raise the limit of open files (LimitNOFILE)",
                extra={"error": error.strerror},
            )
        self._last_failure = now
        await asyncio.sleep(RETRY_SECONDS)

    def _handle_accepted(self, accepted: socket.socket, peer: str) -> None:
        limiter = self._handler.limiter
        address = limiter.peer_key(peer)
        if not limiter.accept(address):
            self._handler.on_refused(0)
            accepted.close()
            return
        task = asyncio.get_running_loop().create_task(self._open(accepted, self._make(address)))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, accepted: socket.socket, connection: OpeningConnection) -> None:
        """Hand the socket to the loop, which starts TLS if it is on."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._context else None,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS if self._context else None,
            )
        except OSError:
            # The client disconnected, timed out, or does not speak TLS: not a fault of the server.
            pass
        finally:
            if not connection.started:
                connection.release()
                accepted.close()


async def _next(sock: socket.socket) -> tuple[socket.socket, object]:
    """Accept a connection: at once if one waits, because `loop.sock_accept` adds and removes a reader for each."""
    try:
        return sock.accept()
    except BlockingIOError:
        return await asyncio.get_running_loop().sock_accept(sock)
