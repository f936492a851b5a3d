"""HTTP and websockets on one port: uvicorn serves a small Starlette app and hands upgrades to a WebsocketConnection."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from types import FrameType
from typing import cast

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Lifespan

from server.handlers.dispatch import Dispatcher
from server.http import api
from server.http.acceptor import Acceptor
from server.http.access import Access
from server.http.callbacks import Callbacks, refused
from server.http.endpoints import ENDPOINTS
from server.http.health import Health
from server.http.http_connection import RESPONSE_HEADERS, HttpConnection
from server.http.listening import Listener
from server.http.monitoring import Measure, Monitoring
from server.http.opening import OpeningConnection
from server.http.sign_in_page import SignInPage
from server.ops import background, process
from server.rules.requests import RefusedRequest
from server.websocket.connection import WebsocketConnection
from server.websocket.handler import ConnectionHandler

CLOSE_SECONDS = 6
"""Time for connections to close after SIGTERM; slightly longer than the timeout of one closing handshake."""


def http_app(dispatcher: Dispatcher, health: Health, measure: Measure) -> Starlette:
    """Build the app that serves the room's addresses. Its lifespan state passes the dispatcher to connections."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[Mapping[str, Dispatcher]]:
        yield {"handler": dispatcher}

    access = Access(dispatcher)
    callbacks = Callbacks(dispatcher, access)
    monitoring = Monitoring(
        health, measure, dispatcher.hub.names, access.is_trusted, lambda: dispatcher.live.cors_hosts
    )
    callback = Route("/api/report/status", callbacks.report_status, methods=["POST"])
    calls = api.routes(ENDPOINTS, dispatcher, access)
    return _app([*monitoring.routes, callback, *calls, SignInPage(dispatcher).route], lifespan)


def metrics_app(dispatcher: Dispatcher, health: Health, measure: Measure) -> Starlette:
    """Build the app that serves the metrics address. It trusts everyone who can connect to that address."""
    return _app(Monitoring(health, measure, dispatcher.hub.names, lambda _: True).routes)


def _app(routes: list[Route], lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={
            ClientDisconnect: _client_disconnected,
            RefusedRequest: _refused,
            HTTPException: _no_such_page,
            Exception: _failed,
        },
    )
    # A redirect would copy the unverified Host of the request into Location.
    app.router.redirect_slashes = False
    return app


async def _refused(request: Request, refusal: Exception) -> Response:
    return refused(cast(RefusedRequest, refusal), as_json=request.url.path.startswith("/api/"))


async def _no_such_page(request: Request, error: Exception) -> Response:
    """Answer a request for a path or method that does not exist."""
    failed = cast(HTTPException, error)
    status = HTTPStatus(failed.status_code)
    response = refused(RefusedRequest(status, f"{status.phrase}."), as_json=request.url.path.startswith("/api/"))
    # The methods that exist.
    response.headers.update(failed.headers or {})
    return response


async def _failed(request: Request, _error: Exception) -> Response:
    """Answer a request whose handler failed; the exception is in the log."""
    failed = RefusedRequest(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error.")
    return refused(failed, as_json=request.url.path.startswith("/api/"))


async def _client_disconnected(_request: Request, _error: Exception) -> Response:
    """Ignore a client that disconnected before its request was complete: not a fault of the server."""
    return Response(status_code=HTTPStatus.REQUEST_TIMEOUT)


async def serve(app: Starlette, metrics: Starlette, listener: Listener, drain: Callable[[], Awaitable[None]]) -> None:
    """Serve until SIGTERM or SIGINT, and return after the connections have closed.

    `drain` is awaited after listening has stopped and before open connections are closed.
    """
    await _Server(_config(app, WebsocketConnection), _config(metrics, None), listener, drain).serve()


def _config(app: Starlette, websockets: type[asyncio.Protocol] | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=HttpConnection,
        ws=websockets or "none",
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


class _Server(uvicorn.Server):
    """Accepts through Acceptors, and also honours a signal that arrived before uvicorn installed its handlers."""

    def __init__(
        self,
        config: uvicorn.Config,
        metrics: uvicorn.Config,
        listener: Listener,
        drain: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(config)
        self._metrics = metrics
        self._listener = listener
        self._drain = drain
        self._accepting: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        del sockets
        await super().startup(sockets=[])
        self._metrics.load()
        certificates = self._listener.certificates
        room = self._acceptor(self.config, certificates.context if certificates else None)
        metrics = self._acceptor(self._metrics, None)
        self._accepting = [background.start(room.run(sock)) for sock in self._listener.sockets]
        self._accepting += [background.start(metrics.run(sock)) for sock in self._listener.metrics]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        for accepting in self._accepting:
            accepting.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for sock in (*self._listener.sockets, *self._listener.metrics):
            sock.close()
        await self._drain()
        await super().shutdown(sockets)

    def _acceptor(self, config: uvicorn.Config, tls: ssl.SSLContext | None) -> Acceptor:
        state = self.lifespan.state

        def make(address: str) -> OpeningConnection:
            return OpeningConnection(config, self.server_state, state, address)

        return Acceptor(cast(ConnectionHandler, state["handler"]), make, tls)

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
