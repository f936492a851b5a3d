"""Copying to the terminal's clipboard, which never confirms, and to tmux, which does."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from contextlib import suppress

SENT = "Sent to the terminal's clipboard."
IN_TMUX = "Copied to tmux and the terminal's clipboard."
TMUX_NEEDS = "Sent to tmux. To pass it on to the terminal, run: tmux set -s set-clipboard on"
SECONDS = 2.0
LOAD = ("tmux", "load-buffer")
"""The command that copies; run without a shell, with the text on standard input."""


def asks_tmux(environment: Mapping[str, str]) -> bool:
    """Return whether the client runs in tmux and can reach it."""
    return bool(environment.get("TMUX"))


def sent(environment: Mapping[str, str]) -> str:
    """Return the message to show after the clipboard sequence was sent."""
    return TMUX_NEEDS if environment.get("TERM", "").startswith(("tmux", "screen")) else SENT


async def load_tmux(text: str, environment: Mapping[str, str]) -> str:
    """Load a text into tmux's buffer and the clipboard of its terminal; return the message to show."""
    # -w is unknown to tmux before 3.2.
    for arguments, said in (((*LOAD, "-w", "-"), IN_TMUX), ((*LOAD, "-"), "Copied to tmux.")):
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, env=dict(environment)
            )
            try:
                async with asyncio.timeout(SECONDS):
                    await process.communicate(text.encode())
            finally:
                # A text must not be loaded after a later one.
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        except (OSError, TimeoutError):
            break
        if process.returncode == 0:
            return said
    return TMUX_NEEDS
