"""The same client in a browser: each page has a client process of its own, by textual-serve."""

import asyncio
import shlex
import socket
import subprocess
import sys

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server

from tui.options import Options
from tui.text import clean_line

CONFINED = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'"
)
"""The page's own template asks another site for a font, which would learn of each visit; nor may any page frame it."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class _Server(Server):
    """Answers only pages that it served itself."""

    def __init__(self, options: Options, host: str) -> None:
        super().__init__(command(options), host, title="Flagpost")
        self._local = host in LOOPBACK

    async def make_app(self) -> web.Application:
        """The application, behind the check of who asks."""
        app = await self._make_app()
        app.middlewares.append(self._check)
        app.on_response_prepare.append(_confine)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing of one's own command line."""

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Any page may open a websocket to this machine, and a foreign name may be pointed to it: neither gets in."""
        asked, origin = request.url, request.headers.get("Origin")
        if self._local and asked.host not in LOOPBACK:
            raise web.HTTPForbidden(text="This page is reached by the address that it was started with.")
        if origin is not None and origin != str(asked.origin()):
            raise web.HTTPForbidden(text="Another page cannot use this one.")
        # Whatever name the browser knows this machine by; the page refers to itself by it.
        self.public_url = str(asked.origin())
        return await handler(request)


async def _confine(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = CONFINED


def command(options: Options) -> str:
    """The command line of the client for one page; it holds nothing that this process' own one did not."""
    words = [sys.executable, "-m", "tui", "--name", options.name]
    words += ["--settings", str(options.settings)] if options.settings else []
    words += ["--demo"] if options.demo else []
    words += ["--", options.url] if options.url else []
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def serve(options: Options, host: str, port: int) -> int:
    """Serve until Ctrl+C or SIGTERM; the exit code: 0, or 1 if it cannot listen."""
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        print(f"flagpost: cannot listen at {clean_line(host)}:{port}: {why}; give another --port", file=sys.stderr)
        return 1
    shown = f"[{host}]" if ":" in host else host
    if host not in LOOPBACK:
        warning = "WARNING: everyone who can reach this address can write and read here as you, without a password."
        print(f"flagpost: {warning}", file=sys.stderr, flush=True)
    print(f"Open in a browser: http://{shown}:{listening.getsockname()[1]}", flush=True)
    server = _Server(options, host)
    web.run_app(server.make_app(), sock=listening, print=None, loop=asyncio.new_event_loop())
    return 0
