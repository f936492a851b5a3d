"""Copying: to the terminal's clipboard, which never answers, and to tmux, which does."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping

SENT = "Sent to the terminal's clipboard."
IN_TMUX = "Copied to tmux and the terminal's clipboard."
TMUX_NEEDS = "Sent to the terminal's clipboard; tmux passes it on after: tmux set -s set-clipboard on"
SECONDS = 2.0
LOAD = ("tmux", "load-buffer")
"""Without a shell; the text goes through standard input."""


def asks_tmux(environment: Mapping[str, str]) -> bool:
    """Return whether the client runs in a tmux that it can reach."""
    return bool(environment.get("TMUX"))


def sent(environment: Mapping[str, str]) -> str:
    """Return what to say after the sequence for the clipboard was sent."""
    return TMUX_NEEDS if environment.get("TERM", "").startswith(("tmux", "screen")) else SENT


async def load_tmux(text: str, environment: Mapping[str, str]) -> str:
    """Give a text to tmux, for its own buffer and the terminal around it; return what to say."""
    # -w is unknown to tmux before 3.2.
    for arguments, said in (((*LOAD, "-w", "-"), IN_TMUX), ((*LOAD, "-"), "Copied to tmux.")):
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, env=dict(environment)
            )
            async with asyncio.timeout(SECONDS):
                await process.communicate(text.encode())
        except (OSError, TimeoutError):
            break
        if process.returncode == 0:
            return said
    return TMUX_NEEDS
