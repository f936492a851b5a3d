"""The client processes of the pages, as the kernel reports them."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

WAIT_SECONDS = 20.0
SHARED = (b"tests.support.fork_server", b"tests.support.postgres_keeper")
"""Programs that run until all tests have ended."""


def children(parent: int | None = None) -> list[int]:
    """Return the running child processes of a process (default: this one), without those that tests share."""
    found = []
    for task in Path(f"/proc/{parent or os.getpid()}/task").iterdir():
        # A thread can end meanwhile.
        with suppress(OSError):
            found += [int(pid) for pid in (task / "children").read_text().split()]
    return [pid for pid in found if not _is_shared(pid)]


def _is_shared(process: int) -> bool:
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes()
        return any(program in command for program in SHARED)
    except OSError:
        # It has just ended.
        return False


def given(process: int) -> tuple[list[str], list[str]]:
    """Return the arguments and the environment with which a process was started."""
    arguments, variables = (
        Path(f"/proc/{process}/{each}").read_text(encoding="utf-8", errors="replace").split("\0")
        for each in ("cmdline", "environ")
    )
    return arguments, variables


async def gone(parent: int | None = None) -> None:
    """Wait until a process has no children; AssertionError after a timeout."""
    await _until_none(lambda: children(parent))


async def gone_all(processes: Sequence[int]) -> None:
    """Wait until none of these processes runs, whatever their parent; AssertionError after a timeout."""
    await _until_none(lambda: [pid for pid in processes if Path(f"/proc/{pid}").exists()])


async def _until_none(running: Callable[[], Sequence[int]]) -> None:
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while running():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"still running: {running()}") from None
