"""Has the running server reload its settings."""

import os
import signal

from server.operator.printing import CommandError
from server.storage.database_file import server_on


def request_reload(database: str) -> str:
    """Send SIGHUP to the server that uses this database, and return what happens next. Raises CommandError."""
    if not hasattr(signal, "SIGHUP"):
        raise CommandError("this platform has no SIGHUP; restart the server instead")
    server = server_on(database)
    if server is None:
        raise CommandError(f"no server uses {database}; start it, or name its settings with --settings FILE")
    if server.process is None:
        raise CommandError(f"{database} is in use, but the process is unknown; send it SIGHUP yourself")
    try:
        os.kill(server.process, signal.SIGHUP)
    except OSError as error:
        raise CommandError(f"{server} cannot be reached: {error.strerror}; run this as the server's user") from None
    return f"{server} reloads the settings, which are valid; its log says which changes require a restart"
