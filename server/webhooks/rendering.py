"""HTML of reported messages, made in a process of its own with a deadline.

Whatever a text does to the parser, the event loop runs on, and the report is sent: as plain text where HTML fails.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from server.settings.model import KEY_VARIABLE
from server.webhooks.html import plain

DEADLINE_SECONDS = 5.0
# -P: a folder "server" in the working directory must not pose as ours.
COMMAND = (sys.executable, "-P", "-m", "server.webhooks.html")

Renderer = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
"""Messages -> HTML of each."""

log = logging.getLogger(__name__)


class RenderError(Exception):
    """Messages could not be made HTML; the text says why, without a word of theirs."""


async def html_in_process(texts: Sequence[str], command: Sequence[str] = COMMAND) -> Sequence[str]:
    """HTML from a new process, which is killed when this is cancelled. RenderError."""
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
    """HTML of each message; escaped text of all where rendering fails or takes longer than this."""
    try:
        async with asyncio.timeout(seconds):
            return await render(texts)
    except TimeoutError:
        why = f"not done within {seconds:.0f} s"
    except Exception as error:
        why = str(error) if isinstance(error, RenderError) else type(error).__name__
    log.warning("the messages of a report are sent as plain text instead of HTML", extra={"error": why})
    return [plain(text) for text in texts]


def _read(output: bytes, count: int, code: int | None) -> list[str]:
    try:
        found = msgspec.json.decode(output, type=list[str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = []
    if code or len(found) != count:
        raise RenderError(f"the process ended with exit code {code} and without an answer")
    return found


def _environment() -> dict[str, str]:
    """Our own without the key to the site, which the process has no use for."""
    home = str(Path(__file__).parents[2])
    path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
    return {name: value for name, value in os.environ.items() if name != KEY_VARIABLE} | {"PYTHONPATH": path}
