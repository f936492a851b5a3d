"""One client process, which draws on one page."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from tui.options import Options
from tui.web.page_messages import Size

END_SECONDS = 5.0
"""Time for a client to leave the room after its page has closed; then it is killed."""
DRAIN_SECONDS = 1.0
"""Time to drain the pipes of a client that has ended; its child processes may still have them open."""
DRIVER = "tui.web.page_driver:Driver"


class PageProcess(AppService):
    """A client process that ends with its page, and is killed if it does not end by itself."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_str: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            "", write_bytes=write_bytes, write_str=write_str, close=close, download_manager=DownloadManager()
        )
        self._words = command

    async def run(self) -> None:
        """Forward what the process draws to the page, and close the page when the process has ended."""
        try:
            await super().run()
        finally:
            await self.remote_close()

    async def resize(self, size: Size) -> None:
        """Send the size of the page's screen to the process."""
        bounded = size.bounded()
        await self.set_terminal_size(bounded.width, bounded.height)

    async def end(self) -> None:
        """Ask the process to quit, and kill it if it does not; return when it has ended."""
        process = self._process
        if process is None or self._task is None:
            return
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(END_SECONDS):
                    self._task.cancel()
                    await asyncio.wait({self._task})
                    await self.send_meta({"type": "quit"})
                    await _drained(process)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await _drained(process)

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """See AppService; without a shell, so that a kill reaches the client itself."""
        self._process = process = await asyncio.create_subprocess_exec(
            *self._words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=self._build_environment(width, height)
        )
        self._stdin = process.stdin
        return process

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        """See AppService; with our driver, and with this process's own `tui`."""
        home = str(Path(__file__).parents[2])
        path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
        return {**super()._build_environment(width, height), "TEXTUAL_DRIVER": DRIVER, "PYTHONPATH": path}


async def _drained(process: Process) -> None:
    """Read the remaining output of a process, so that it does not block, until it has ended."""
    streams = (stream for stream in (process.stdout, process.stderr) if stream)
    await asyncio.gather(process.wait(), *(stream.read() for stream in streams))


def command(options: Options) -> list[str]:
    """Return the command line of the client for one page; it reveals no more than our own command line."""
    # -P: a folder "tui" in the working directory must not be imported in place of ours.
    words = [sys.executable, "-P", "-m", "tui", "--name", options.name]
    words += ["--settings", str(options.settings)] if options.settings else []
    words += ["--demo"] if options.demo else []
    words += ["--", options.url] if options.url else []
    return words
