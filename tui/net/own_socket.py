"""The Unix socket of the user's own server, in a directory that only the user can write: nobody else can replace it."""

import asyncio
import os
import stat
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypedDict

import platformdirs

from server.protocol.address import SOCKET_SCHEME, WEBSOCKET_PATH
from tui.net.local_server import START_SECONDS, LocalServerError

PROBE_SECONDS = 2.0
MAX_PATH_BYTES = 100
"""A limit that every system accepts; macOS allows 104 with the terminating null."""
WRITABLE = "make it a folder that you can write to"
NAME = "server.sock"


class Target(TypedDict, total=False):
    """Arguments of websockets' `connect` besides the URI."""

    unix: bool
    path: str


def target(url: str) -> tuple[str, Target]:
    """Return the websocket URI of a server's URL, and the Unix socket if it uses one."""
    if not url.startswith(SOCKET_SCHEME):
        return url, {}
    return f"ws://localhost{WEBSOCKET_PATH}", {"unix": True, "path": url.removeprefix(SOCKET_SCHEME)}


def place() -> Path | None:
    """Return the path of the socket of the user's own server; None on systems without Unix sockets."""
    if sys.platform == "win32":
        return None
    # Beside the database, so that each has one server. Unlike the runtime directory, it survives a logout.
    path = platformdirs.user_data_path("flagpost", appauthor=False) / "run" / NAME
    if len(os.fsencode(path)) <= MAX_PATH_BYTES:
        return path
    name = sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"flagpost-{os.getuid()}" / f"{name}.sock"


def prepare(folder: Path) -> None:
    """Create the directory of the socket if necessary. Raises LocalServerError unless only the user can use it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owned = folder.lstat()
        ancestors = [each.stat() for each in folder.resolve().parents]
    except OSError as error:
        raise LocalServerError(f"{folder} cannot be used: {error.strerror or error}; {WRITABLE}") from None
    if not stat.S_ISDIR(owned.st_mode) or owned.st_uid != os.getuid() or stat.S_IMODE(owned.st_mode) & 0o077:
        raise LocalServerError(f"{folder} must be a folder that only you can use; remove it, or run chmod 700 on it")
    if any(_is_open(each) for each in ancestors):
        raise LocalServerError(f"{folder} is within a folder that others can change; correct its owner or mode")


async def is_alive(path: Path) -> bool:
    """Return whether a server listens on this socket. Raises LocalServerError if the socket is not the user's."""
    try:
        if not _is_own_socket(path.lstat()):  # noqa: ASYNC240 - a local file
            raise LocalServerError(f"{path} is not your socket; remove it")
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_unix_connection(path)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


@asynccontextmanager
async def exclusive(path: Path) -> AsyncIterator[None]:
    """Let one client at a time look for the server and start it. Raises LocalServerError if another takes too long."""
    # Imported late: loading it would delay the first frame.
    from filelock import AsyncFileLock, Timeout

    # Not in a thread: after a cancellation, the process would wait for its end.
    lock = AsyncFileLock(path.with_suffix(".lock"), mode=0o600, run_in_executor=False)
    try:
        await lock.acquire(2 * START_SECONDS)
    except Timeout:
        raise LocalServerError("another client has been starting one for too long; quit that client") from None
    except OSError as error:
        raise LocalServerError(f"{path.parent} cannot be used: {error.strerror or error}; {WRITABLE}") from None
    try:
        yield
    finally:
        await lock.release()


def _is_own_socket(found: os.stat_result) -> bool:
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid()


def _is_open(folder: os.stat_result) -> bool:
    """Return whether anybody but the user and the administrator can replace what is in a directory."""
    writable = folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX
    return bool(writable) or folder.st_uid not in {0, os.getuid()}
