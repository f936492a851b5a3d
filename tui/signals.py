"""What ends the client from outside ends it in order, so that the terminal is left as it was found."""

import asyncio
import signal
from collections.abc import Callable, Coroutine


class Ending:
    """From here on SIGTERM, SIGHUP and SIGINT end in `quit`, once; in the loop that runs now."""

    def __init__(self, quit: Callable[[], Coroutine[None, None, None]]) -> None:  # noqa: A002
        self._quit = quit
        self._task: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            try:
                loop.add_signal_handler(getattr(signal, name), self._begin)
            except (AttributeError, NotImplementedError):
                # Windows ends a process without a signal.
                return

    def _begin(self) -> None:
        self._task = self._task or asyncio.create_task(self._quit())
