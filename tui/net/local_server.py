"""A local server: a child process that ends with this client, however the client ends."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from server.protocol.errors import OneLineError

START_SECONDS = 15.0
END_SECONDS = 3.0
KEPT_LINES = 20

KEY_VARIABLE = "FLAGPOST_ADMIN_API_KEY"
"""The environment variable from which the server reads the key that it sends to the site."""

CHAT = "Chat room"
INBOX = "Report inbox"
SEE_WHY = "run flagpost-server to see why"
ENDED = f"the one on this machine ended at once; {SEE_WHY}"


class LocalServerError(OneLineError):
    """The local server did not start."""


class LocalServer:
    """A running server; `urls` has the URLs that it printed, by name."""

    def __init__(self, process: Process, urls: dict[str, str]) -> None:
        self._process = process
        self.urls = urls

    async def stop(self) -> None:
        """Close the child's input, which makes it drain its connections and exit; wait for that up to END_SECONDS."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            return


async def start(module: str, arguments: Sequence[str], names: Sequence[str]) -> LocalServer:
    """Start `python -m MODULE --child ARGUMENTS`, and wait until it has printed a "NAME: URL" line for each name.

    Raises LocalServerError if it ends before that, or takes longer than START_SECONDS.
    """
    process = await asyncio.create_subprocess_exec(
        # -P: a folder "server" in the working directory must not be imported in place of ours.
        sys.executable, "-P", "-m", module, "--child", *arguments,
        stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True, env=_environment(arguments),
    )  # fmt: skip
    said: deque[str] = deque(maxlen=KEPT_LINES)
    # Read the child's log to the end; otherwise it would block on a full pipe.
    listening = asyncio.create_task(_listen(process, said))
    try:
        async with asyncio.timeout(START_SECONDS):
            urls = await _urls(process, names)
    except BaseException as error:
        # Kill the process after a cancellation, too: the caller does not know it yet.
        process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            why = f"the one on this machine did not start within {START_SECONDS:.0f} s; {SEE_WHY}"
            raise LocalServerError(why) from None
        raise
    if urls is None:
        await listening
        await process.wait()
        raise LocalServerError(said[-1].removeprefix("flagpost: ") if said else ENDED)
    return LocalServer(process, urls)


def _environment(arguments: Sequence[str]) -> dict[str, str]:
    """Return the child's environment: ours, without the site's key unless the user named the settings file."""
    # Our own package directory comes first.
    home = str(Path(__file__).parents[2])
    path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
    environment = {**os.environ, "PYTHONPATH": path}
    if "--settings" not in arguments:
        environment.pop(KEY_VARIABLE, None)
    return environment


async def _urls(process: Process, names: Sequence[str]) -> dict[str, str] | None:
    """Return the URLs that the child prints first; None if it ended before that."""
    urls: dict[str, str] = {}
    while process.stdout and not set(names) <= set(urls):
        line = (await process.stdout.readline()).decode(errors="replace")
        if not line:
            return None
        name, _, url = line.strip().partition(": ")
        urls[name] = url
    return urls


async def _listen(process: Process, said: deque[str]) -> None:
    while process.stderr and (line := await process.stderr.readline()):
        said.append(line.decode(errors="replace").strip())
