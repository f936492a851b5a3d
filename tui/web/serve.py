"""The client in a browser: each page has a client process of its own, run by textual-serve."""

import asyncio
import secrets
import socket
import sys

from aiohttp import web

from server.protocol.errors import OneLineError
from tui.options import Options
from tui.text import clean_line
from tui.web.access import PageAccess
from tui.web.page_process import command
from tui.web.pages import Pages

END_SECONDS = 10.0
"""Time for pages and their processes to end after Ctrl+C or SIGTERM."""
WARNING = (
    "WARNING: anyone with this URL can read and write here as you. The traffic is not encrypted, so others on the"
    " network path can read the URL. Do not share it; an SSH tunnel to 127.0.0.1 is safer."
)


def serve(options: Options, host: str, port: int) -> None:
    """Serve until Ctrl+C or SIGTERM. Raises OneLineError if the address cannot be used."""
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = f"cannot listen on {clean_line(host)}:{port}: {reason(error)}"
        raise OneLineError(f"{why}; give another --port or --host") from None
    access = PageAccess(host, listening.getsockname()[1], socket.gethostname(), secrets.token_urlsafe(32))
    if not access.is_local:
        print(f"flagpost: {WARNING}", file=sys.stderr, flush=True)
    try:
        # The only secret that is printed: the user reads it on their own terminal.
        print(f"Open in a browser: {access.url}?token={access.token}", flush=True)
    except OSError as error:
        # Without the URL, nobody can open the page.
        why = f"the page's URL cannot be printed: {error.strerror or error}"
        raise OneLineError(f"{why}; start Flagpost in a terminal") from None
    web.run_app(
        Pages(access, command(options)).app(),
        sock=listening,
        print=None,
        loop=asyncio.new_event_loop(),
        shutdown_timeout=END_SECONDS,
        # It would contain the URL with the token.
        access_log=None,
    )


def reason(error: OSError) -> str:
    """Return why an address cannot be used, without the address, which Python appends."""
    return (error.strerror or str(error)).partition(" (while ")[0]
