"""Renders the HTML of reported messages in a separate process with a deadline.

No text can block the event loop or prevent a report: if the conversion fails, messages are sent as plain text.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from server.protocol.errors import FlagpostError
from server.settings.model import KEY_VARIABLE
from server.webhooks.html import plain

DEADLINE_SECONDS = 5.0
# -P: import this package, not a folder named "server" in the working directory.
COMMAND = (sys.executable, "-P", "-m", "server.webhooks.html")

Renderer = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
"""Converts messages to HTML."""

log = logging.getLogger(__name__)


class RenderError(FlagpostError):
    """Messages could not be converted; the text says why, without quoting them."""


async def html_in_process(texts: Sequence[str], command: Sequence[str] = COMMAND) -> Sequence[str]:
    """Convert messages in a new process, which is killed on cancellation. Raises RenderError."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True, env=_environment()
        )  # fmt: skip
    except OSError as error:
        raise RenderError(f"the process could not be started: {error.strerror}") from None
    try:
        output, _ = await process.communicate(msgspec.json.encode(texts))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _read(output, len(texts), process.returncode)


async def html_or_text(
    texts: Sequence[str], render: Renderer = html_in_process, seconds: float = DEADLINE_SECONDS
) -> Sequence[str]:
    """Convert messages to HTML, or to escaped text if that fails or takes too long."""
    try:
        async with asyncio.timeout(seconds):
            return await render(texts)
    except TimeoutError:
        why = f"not finished within {seconds:.0f} s"
    except Exception as error:
        why = str(error) if isinstance(error, RenderError) else type(error).__name__
    log.warning("the site receives messages as plain text instead of HTML", extra={"error": why})
    return [plain(text) for text in texts]


def _read(output: bytes, count: int, code: int | None) -> list[str]:
    try:
        found = msgspec.json.decode(output, type=list[str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = []
    if code or len(found) != count:
        raise RenderError(f"the process exited with code {code} and without a result")
    return found


def _environment() -> dict[str, str]:
    """Return the environment of this process without the site's key, which the new process does not need."""
    home = str(Path(__file__).parents[2])
    path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
    return {name: value for name, value in os.environ.items() if name != KEY_VARIABLE} | {"PYTHONPATH": path}
