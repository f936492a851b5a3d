"""Makes the running servers reload their settings."""

import os
import signal

from server.operator.printing import CommandError
from server.settings.database_url import is_url
from server.storage.database_file import server_on
from server.storage.events import RoomRequest, RoomRequested
from server.storage.opening import open_store
from server.storage.presence import GONE_MILLISECONDS


def request_reload(database: str) -> str:
    """Make the servers of a room reload their settings; return what happens next. Raises OneLineError."""
    return _request_of_all(database) if is_url(database) else _signal(database)


def _request_of_all(database: str) -> str:
    with open_store(database).transaction(write=True) as connection:
        connection.announce(RoomRequested(RoomRequest.RELOAD, ""))
        alive = "SELECT count(*) FROM node WHERE beat > ?"
        (count,) = connection.execute(alive, (connection.now - GONE_MILLISECONDS,)).fetchone()
    if not count:
        raise CommandError(f"no server uses {database}; start one, or name its settings with --settings FILE")
    return f"servers reloading now: {count}, each from its own file; the log of each says which changes need a restart"


def _signal(database: str) -> str:
    """Send SIGHUP to the server that uses a file."""
    if not hasattr(signal, "SIGHUP"):
        raise CommandError("this platform has no SIGHUP; restart the server instead")
    server = server_on(database)
    if server is None:
        raise CommandError(f"no server uses {database}; start one, or name its settings with --settings FILE")
    if server.process is None:
        raise CommandError(f"{database} is in use, but the process is unknown; send it SIGHUP yourself")
    try:
        os.kill(server.process, signal.SIGHUP)
    except OSError as error:
        raise CommandError(f"{server} cannot be reached: {error.strerror}; run this as the server's user") from None
    return f"{server} is reloading its settings, which are valid; its log says which changes require a restart"
