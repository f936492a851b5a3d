"""The choice of a server: the named one, the one in the settings, or a local one."""

from pathlib import Path
from typing import NamedTuple

from server.protocol.address import SOCKET_SCHEME
from tui.net import identity, own_socket
from tui.net.local_server import CHAT, INBOX, LocalServer, start
from tui.net.server_address import configured, is_exposed, is_listening, shown, unused, websocket_url
from tui.options import Options
from tui.text import clean_line

WHOSE = "Anyone on this machine can run a server there; find out who does before you trust it."

EXPOSED = "The connection to {} is not encrypted: others on the network path can read and change everything."


class FoundServer(NamedTuple):
    """A server's websocket URL, its process if this client started it, and notices for the user."""

    url: str
    server: LocalServer | None
    notices: list[str]
    own: bool = False
    """True if nobody but the user can serve at this URL."""


async def find(options: Options) -> FoundServer:
    """Find a server, or start one. Raises LocalServerError, FileError or AddressError."""
    if options.demo:
        server = await start("server.demo", [], [CHAT, INBOX])
        inbox = f"This is a demo room with scripted users and a small site. Reports arrive at {server.urls[INBOX]}"
        return FoundServer(server.urls[CHAT], server, [clean_line(inbox)])
    if options.url:
        url = websocket_url(options.url)
        return FoundServer(url, None, [EXPOSED.format(shown(url))] if is_exposed(url) else [])
    if options.settings is None and (path := own_socket.place()):
        own_socket.prepare(path.parent)
        async with own_socket.exclusive(path):
            found = await _find_own(path)
        return found._replace(notices=[*found.notices, *unused()])
    address, tls = configured(options.settings)
    notices = [] if options.settings else unused()
    if await is_listening(address):
        return FoundServer(address.websocket_url(tls=tls), None, notices)
    arguments = ["--settings", str(options.settings)] if options.settings else []
    server = await start("server", arguments, [CHAT])
    notice = f"No server was listening at {address}, so one was started; it stops when you quit."
    return FoundServer(server.urls[CHAT], server, [notice, *notices])


async def _find_own(path: Path) -> FoundServer:
    """Join the user's own server, or one at the default address; otherwise start one."""
    own = f"{SOCKET_SCHEME}{path}"
    if await own_socket.is_alive(path):
        return FoundServer(own, None, [], own=True)
    address, tls = configured(None)
    url, stranger = address.websocket_url(tls=tls), ""
    if await is_listening(address):
        if identity.is_known(url):
            return FoundServer(url, None, [])
        if not identity.is_known(own):
            return FoundServer(url, None, [f"This is your first time on the server at {address}. {WHOSE}"])
        # The user may not know the server there; a user with a server of their own must not be led away from it.
        stranger = f" The one at {address} is new to you; to use it, start with {url}."
    server = await start("server", ["--socket", str(path)], [CHAT])
    notice = f"A server of your own was started; it stops when you quit.{stranger}"
    return FoundServer(server.urls[CHAT], server, [notice], own=True)
