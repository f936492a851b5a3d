"""Which server to talk to: the one named, the one in the settings, or one of the client's own."""

from typing import NamedTuple
from urllib.parse import urlsplit

from server.protocol.address import WEBSOCKET_PATH
from tui.net.address import configured, is_listening
from tui.net.local_server import CHAT, INBOX, LocalServer, start
from tui.options import Options
from tui.text import clean_line


class Found(NamedTuple):
    """A server's websocket URL, its process if this client started it, and what to tell the person about it."""

    url: str
    server: LocalServer | None
    notices: list[str]


async def find(options: Options) -> Found:
    """Find a server, or start one. LocalServerError if it does not start; ValueError for unusable settings."""
    if options.demo:
        server = await start("server.demo", [], [CHAT, INBOX])
        inbox = f"This is a demo, with residents and a website of its own. Reports arrive at {server.urls[INBOX]}"
        return Found(server.urls[CHAT], server, [clean_line(inbox)])
    if options.url:
        return Found(websocket_url(options.url), None, [])
    address, tls = configured(options.settings)
    if await is_listening(address):
        return Found(address.websocket_url(tls=tls), None, [])
    arguments = ["--settings", str(options.settings)] if options.settings else []
    server = await start("server", arguments, [CHAT])
    notice = f"No server was listening at {address}: this client started one, which ends with it."
    return Found(server.urls[CHAT], server, [notice])


def websocket_url(text: str) -> str:
    """A URL from what a person types: "chat.example:9000", "wss://chat.example" or the whole of it."""
    url = text if "://" in text else f"ws://{text}"
    parts = urlsplit(url)
    return url if parts.path.strip("/") else parts._replace(path=WEBSOCKET_PATH).geturl()
