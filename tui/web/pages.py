"""The web application: the page and its files, and the websocket that a client process draws through."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import textual_serve
from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.typedefs import Handler

from tui.web.access import NO_TOKEN, PageAccess
from tui.web.page import FULL, MAX_CLIENTS, SCRIPT, headers, page
from tui.web.page_messages import (
    MAX_MESSAGE_BYTES,
    BadPageMessage,
    Blur,
    Focus,
    PageMessage,
    PagePing,
    Resize,
    Size,
    Stdin,
    asked_size,
    decode,
)
from tui.web.page_process import PageProcess

STATIC = Path(textual_serve.__file__).parent / "static"
HEARTBEAT_SECONDS = 15.0
CLOSE_SECONDS = 2.0
STUCK_SECONDS = 30.0
"""Time for a client to read what was typed; a client that takes longer is ended."""


class Pages:
    """Serves the page, and runs one client process for each open page."""

    def __init__(self, access: PageAccess, command: Sequence[str]) -> None:
        self._access = access
        self._command = command
        self._sockets: set[web.WebSocketResponse] = set()

    def app(self) -> web.Application:
        """Return the application; `_check` guards every route."""
        app = web.Application(middlewares=[self._check])
        app.add_routes(
            [
                web.get("/", self._page, allow_head=False),
                web.get("/page.js", self._script, allow_head=False),
                web.get("/ws", self._websocket, allow_head=False),
                web.static("/static", STATIC),
            ]
        )
        app.on_response_prepare.append(_confine)
        app.on_shutdown.append(self._close)
        return app

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse requests to other host names, from other pages or without the token, before a process starts."""
        access = self._access
        hosts, origins = request.headers.getall("Host", []), request.headers.getall("Origin", [])
        if reason := access.foreign(hosts, origins, _reached(request)):
            raise web.HTTPForbidden(text=reason)
        if request.method == "GET" and request.path == "/" and "token" in request.query:
            return self._enter(request.query["token"])
        if not access.admits(request.cookies.get(access.cookie, "")):
            raise web.HTTPForbidden(text=NO_TOKEN)
        return await handler(request)

    def _enter(self, token: str) -> web.Response:
        """Exchange the token in the URL for a cookie, so that no history, bookmark or Referer header contains it."""
        if not self._access.admits(token):
            raise web.HTTPForbidden(text=NO_TOKEN)
        response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/"})
        response.set_cookie(self._access.cookie, self._access.token, path="/", httponly=True, samesite="Strict")
        return response

    async def _page(self, request: web.Request) -> web.Response:
        # `_check` requires a Host header.
        host = request.headers["Host"].lower()
        return web.Response(text=page(host), content_type="text/html", headers=headers(f"ws://{host}"))

    async def _script(self, _request: web.Request) -> web.Response:
        return web.Response(text=SCRIPT, content_type="text/javascript")

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        try:
            size = asked_size(request.query)
        except BadPageMessage as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        if len(self._sockets) >= MAX_CLIENTS:
            raise web.HTTPServiceUnavailable(text=FULL)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS, timeout=CLOSE_SECONDS, max_msg_size=MAX_MESSAGE_BYTES
        )
        # No await since the check, so the limit cannot be exceeded. The process ends before the socket is removed.
        self._sockets.add(socket)
        try:
            await socket.prepare(request)
            await self._run(socket, size)
        finally:
            self._sockets.discard(socket)
        return socket

    async def _run(self, socket: web.WebSocketResponse, size: Size) -> None:
        """Run a client process while the page is open."""

        async def close() -> None:
            await socket.close()

        client = PageProcess(self._command, write_bytes=socket.send_bytes, write_str=socket.send_str, close=close)
        try:
            await client.start(size.width, size.height)
            with suppress(ConnectionResetError, TimeoutError):
                await _relay(socket, client)
        finally:
            await client.end()
            await socket.close()

    async def _close(self, _app: web.Application) -> None:
        """Close all pages, which ends their processes."""
        await asyncio.gather(*(socket.close(code=WSCloseCode.GOING_AWAY) for socket in self._sockets))


async def _relay(socket: web.WebSocketResponse, client: PageProcess) -> None:
    """Forward what the page sends, until it closes or sends an invalid message."""
    async for received in socket:
        if received.type is not WSMsgType.TEXT:
            await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
            return
        try:
            message = decode(received.data)
        except BadPageMessage as error:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode())
            return
        async with asyncio.timeout(STUCK_SECONDS):
            await _pass_on(message, socket, client)


async def _pass_on(message: PageMessage, socket: web.WebSocketResponse, client: PageProcess) -> None:
    match message:
        case Stdin(text):
            await client.send_bytes(text.encode())
        case Resize(size):
            await client.resize(size)
        case PagePing(sent):
            await socket.send_json(["pong", sent])
        case Blur():
            await client.blur()
        case Focus():
            await client.focus()


async def _confine(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in headers().items():
        response.headers.setdefault(name, value)


def _reached(request: web.Request) -> str:
    """Return the local address of the connection."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return str(name[0]) if name else ""
