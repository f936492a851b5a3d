"""HTTP and websocket on one port: uvicorn serves a small Starlette app and hands upgrades to a WebsocketConnection."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from types import FrameType
from typing import cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from server.handlers.dispatch import Dispatcher
from server.http.acceptor import Acceptor
from server.http.callbacks import Callbacks
from server.http.health import Health
from server.http.http_connection import RESPONSE_HEADERS, HttpConnection
from server.http.listening import Listener
from server.ops import background, process
from server.ops.tls import Certificates
from server.websocket.connection import ConnectionHandler, WebsocketConnection

CLOSE_SECONDS = 6
"""Time for connections to close after SIGTERM; slightly longer than the timeout of one closing handshake."""


Measure = Callable[[], Awaitable[bytes]]
"""Returns the current metrics in Prometheus' text format."""


def http_app(dispatcher: Dispatcher, health: Health, measure: Measure) -> Starlette:
    """Build the HTTP routes. The app's lifespan state hands the room to the connections."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[Mapping[str, Dispatcher]]:
        yield {"handler": dispatcher}

    async def healthz(_request: Request) -> Response:
        return _health_response(health.liveness())

    async def readyz(_request: Request) -> Response:
        return _health_response(await health.readiness())

    async def statistics(_request: Request) -> Response:
        people = dispatcher.hub.names()
        return JSONResponse({"UserCount": len(people), "Usernames": people})

    async def metrics(_request: Request) -> Response:
        return Response(await measure(), media_type="text/plain; version=0.0.4; charset=utf-8")

    callbacks = Callbacks(dispatcher)
    routes = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/api/statistics", statistics),
        Route("/api/report/status", callbacks.report_status, methods=["POST"]),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={ClientDisconnect: _client_disconnected})
    # A redirect would copy the Host that the request claims into Location.
    app.router.redirect_slashes = False
    return app


def _health_response(fault: str | None) -> Response:
    """Answer a health check with "ok", or with the problem and status 503."""
    return PlainTextResponse(f"{fault or 'ok'}\n", HTTPStatus.SERVICE_UNAVAILABLE if fault else HTTPStatus.OK)


async def _client_disconnected(_request: Request, _error: Exception) -> Response:
    """Ignore a client that disconnected before its request was complete: not a fault of the server."""
    return Response(status_code=HTTPStatus.REQUEST_TIMEOUT)


async def serve(app: Starlette, listener: Listener, drain: Callable[[], Awaitable[None]]) -> None:
    """Serve until SIGTERM or SIGINT; returns after the connections have closed.

    `drain` is awaited after listening has stopped and before open connections are closed.
    """
    config = uvicorn.Config(
        app,
        http=HttpConnection,
        ws=WebsocketConnection,
        headers=RESPONSE_HEADERS,
        log_config=None,
        access_log=False,
        server_header=False,
        # Limits.TrustedProxies decides which proxies are trusted.
        proxy_headers=False,
        # uvicorn logs a warning for each bad request from the network; `on_refused` counts them instead.
        log_level="error",
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    await _Server(config, listener.certificates, drain).serve(sockets=list(listener.sockets))


class _Server(uvicorn.Server):
    """Accepts through an Acceptor, and also honours a signal that arrived before uvicorn installed its handlers."""

    def __init__(
        self, config: uvicorn.Config, certificates: Certificates | None, drain: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._tls = certificates.context if certificates else None
        self._accepting: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        await super().startup(sockets=[])
        acceptor = Acceptor(cast(ConnectionHandler, self.lifespan.state["handler"]), self._connection, self._tls)
        self._accepting = [background.start(acceptor.run(sock)) for sock in sockets or []]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        for accepting in self._accepting:
            accepting.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for sock in sockets or []:
            sock.close()
        await self._drain()
        await super().shutdown(sockets)

    def _connection(self, address: str) -> HttpConnection:
        return HttpConnection(self.config, self.server_state, self.lifespan.state, address=address)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn.Server."""
        process.note_signal(sig)
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn.Server."""
        with super().capture_signals():
            self.should_exit = process.shutdown_requested()
            yield
