"""HTTP and websocket on one port: uvicorn serves a small Starlette app and hands each upgrade to a Connection."""

import asyncio
import errno
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from server.handlers.dispatch import Room
from server.http.acceptor import Acceptor
from server.http.callbacks import Callbacks
from server.http.health import Health
from server.http.http_connection import RESPONSE_HEADERS, HttpConnection
from server.ops import background, process
from server.ops.tls import Certificates
from server.protocol.address import SOCKET_SCHEME, Address
from server.websocket.connection import Connection, Receiver

CLOSE_SECONDS = 6
"""For connections to close after SIGTERM; a little more than one has for its closing handshake."""

BACKLOG = 2048
"""Connections that wait to be taken."""


class ListenError(Exception):
    """The address cannot be listened on; the text says why."""


class Listener(NamedTuple):
    """A bound socket and the address that it has (the port is known even if 0 was asked for); with TLS or without.

    A Unix socket has a path instead of the address.
    """

    socket: socket.socket
    address: Address
    certificates: Certificates | None = None
    path: str = ""

    @property
    def websocket_url(self) -> str:
        """The URL of the chat room."""
        return f"{SOCKET_SCHEME}{self.path}" if self.path else self.address.websocket_url(tls=bool(self.certificates))

    def exposure(self, trusted_proxies: Sequence[str]) -> str:
        """One line about a listener that others can reach and read along; empty if there is nothing to say."""
        if self.path or self.certificates or trusted_proxies or ip_address(self.socket.getsockname()[0]).is_loopback:
            return ""
        return (
            f"WARNING: {self.address} can be reached from other machines, and nothing here is encrypted: whoever is on"
            " the way reads along; set [TLS], or put a proxy with TLS in front and name it in Limits.TrustedProxies"
        )


def listen(address: Address, certificates: Certificates | None = None) -> Listener:
    """Bind a TCP address; ListenError if that is not possible."""
    try:
        family, _, _, _, target = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        # From here on a client that connects waits, and is not refused, until the server takes it.
        sock = socket.create_server(target[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror or error}") from None
    return Listener(sock, Address(address.host, sock.getsockname()[1]), certificates)


def listen_at(path: Path) -> Listener:
    """Bind a Unix socket that only its owner can connect to, in place of a stale one. ListenError if that fails."""
    url = f"{SOCKET_SCHEME}{path}"
    if not hasattr(socket, "AF_UNIX"):
        raise ListenError(f"cannot listen on {url}: this platform has no Unix sockets")
    sock = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        _remove_stale(path)
        sock.bind(str(path))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ListenError(f"cannot listen on {url}: {error.strerror or error}") from None
    finally:
        os.umask(mask)
    return Listener(sock, Address("", 0), path=str(path))


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens at any more. OSError if somebody does, or it is no socket."""
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            if stat.S_ISSOCK(path.lstat().st_mode):
                path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, "a server listens there already")


Measure = Callable[[], Awaitable[bytes]]
"""What can be counted now, in Prometheus' text format."""


def http_app(room: Room, health: Health, measure: Measure) -> Starlette:
    """The HTTP side, for the site by its key; its lifespan state hands the room to the connections."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[Mapping[str, Room]]:
        yield {"receiver": room}

    async def healthz(_request: Request) -> Response:
        return _told(health.ailing())

    async def readyz(_request: Request) -> Response:
        return _told(await health.unready())

    async def statistics(_request: Request) -> Response:
        people = room.hub.names()
        return JSONResponse({"UserCount": len(people), "Usernames": people})

    async def metrics(_request: Request) -> Response:
        return Response(await measure(), media_type="text/plain; version=0.0.4; charset=utf-8")

    callbacks = Callbacks(room)
    routes = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/api/statistics", statistics),
        Route("/api/report/status", callbacks.report_status, methods=["POST"]),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={ClientDisconnect: _gone})
    # It would build its Location from whatever Host the request claims.
    app.router.redirect_slashes = False
    return app


def _told(fault: str) -> Response:
    """One line: that all is well, or that it is not and why."""
    return PlainTextResponse(f"{fault or 'ok'}\n", HTTPStatus.SERVICE_UNAVAILABLE if fault else HTTPStatus.OK)


async def _gone(_request: Request, _error: Exception) -> Response:
    """Whoever hung up before the end of the request gets no answer, and is no fault of the server."""
    return Response(status_code=HTTPStatus.REQUEST_TIMEOUT)


async def serve(app: Starlette, listener: Listener, last_answers: Callable[[], Awaitable[None]]) -> None:
    """Serve until SIGTERM or SIGINT; returns after the connections have closed.

    `last_answers` is awaited when nobody can connect any more, before those who are here are told to come back later.
    """
    config = uvicorn.Config(
        app,
        http=HttpConnection,
        ws=Connection,
        headers=RESPONSE_HEADERS,
        log_config=None,
        access_log=False,
        server_header=False,
        # Whom a proxy speaks for is for Limits.TrustedProxies to say.
        proxy_headers=False,
        # Its warnings are about requests of strangers, a line for each; `Receiver.refused` counts those.
        log_level="error",
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    await _Server(config, listener.certificates, last_answers).serve(sockets=[listener.socket])


class _Server(uvicorn.Server):
    """Accepts by an Acceptor, and ends also upon a signal that came before uvicorn took the signals over."""

    def __init__(
        self, config: uvicorn.Config, certificates: Certificates | None, last_answers: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(config)
        self._last_answers = last_answers
        self._tls = certificates.context if certificates else None
        self._accepting: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        await super().startup(sockets=[])
        acceptor = Acceptor(cast(Receiver, self.lifespan.state["receiver"]), self._connection, self._tls)
        self._accepting = [background.start(acceptor.run(sock)) for sock in sockets or []]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        for accepting in self._accepting:
            accepting.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for sock in sockets or []:
            sock.close()
        await self._last_answers()
        await super().shutdown(sockets)

    def _connection(self, address: str) -> HttpConnection:
        return HttpConnection(self.config, self.server_state, self.lifespan.state, address=address)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn.Server."""
        with super().capture_signals():
            self.should_exit = process.ending()
            yield
