"""Accepts connections: each takes a place of its address before TLS, or anything else, costs something for it."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

from server.http.http_connection import HttpConnection
from server.websocket.connection import Receiver

HANDSHAKE_SECONDS = 5.0
"""For TLS to begin; a client that is silent or drips is cut off."""
SHUTDOWN_SECONDS = 1.0
"""For TLS to end, after the websocket has."""
RETRY_SECONDS = 1.0
"""Until the next try to accept after one that failed."""
QUIET_SECONDS = 60.0
"""So long nothing must have failed before it is logged again."""

log = logging.getLogger(__name__)


class Acceptor:
    """Accepts on one listening socket.

    Not by `loop.create_server`: it begins TLS before a connection can be counted, and uvloop's does not report that
    descriptors have run out.
    """

    def __init__(
        self, receiver: Receiver, make: Callable[[str], HttpConnection], context: ssl.SSLContext | None
    ) -> None:
        """`make` is called with what a connection counts for, see `Limiter.peer`."""
        self._receiver = receiver
        self._make = make
        self._context = context
        self._opening: set[asyncio.Task[None]] = set()
        self._failed_at = -QUIET_SECONDS

    async def run(self, sock: socket.socket) -> None:
        """Accept until this is cancelled; connections on which TLS has not begun by then are closed."""
        sock.settimeout(0)
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    accepted, peer = await loop.sock_accept(sock)
                except ConnectionError:
                    # A client that went away at once.
                    pass
                except OSError as error:
                    await self._failed(error)
                else:
                    self._accepted(accepted, str(peer[0]) if isinstance(peer, tuple) else "")
                # Not all at once: what else is due comes in between.
                await asyncio.sleep(0)
        finally:
            for task in self._opening:
                task.cancel()

    async def _failed(self, error: OSError) -> None:
        """Log it once, not at each try, and wait for connections to end."""
        now = asyncio.get_running_loop().time()
        if now - self._failed_at >= QUIET_SECONDS:
            log.error(
                "no more connections can be accepted until others end; raise the limit of open files (LimitNOFILE)",
                extra={"error": error.strerror},
            )
        self._failed_at = now
        await asyncio.sleep(RETRY_SECONDS)

    def _accepted(self, accepted: socket.socket, peer: str) -> None:
        limiter = self._receiver.limiter
        address = limiter.peer(peer)
        if not limiter.arrive(address):
            self._receiver.refused(0)
            accepted.close()
            return
        task = asyncio.get_running_loop().create_task(self._open(accepted, self._make(address)))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, accepted: socket.socket, connection: HttpConnection) -> None:
        """Hand the socket to the loop, which begins TLS if there is any."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._context else None,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS if self._context else None,
            )
        except OSError:
            # The client went away, was late, or speaks no TLS: nothing that the server could do better.
            pass
        finally:
            if not connection.begun:
                connection.leave()
                accepted.close()
