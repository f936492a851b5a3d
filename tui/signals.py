"""What ends the client from outside ends it in order, so that the terminal is left as it was found."""

import asyncio
import select
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial


class Ending:
    """SIGTERM, SIGHUP and SIGINT end in `quit`, once."""

    def __init__(self, quit: Callable[[], Coroutine[None, None, None]]) -> None:  # noqa: A002
        self._quit = quit
        self._task: asyncio.Task[None] | None = None
        self._lent = False

    def watch(self) -> None:
        """From here on; in the loop that runs now."""
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            try:
                loop.add_signal_handler(getattr(signal, name), partial(self._begin, name))
            except (AttributeError, NotImplementedError):
                # Windows ends a process without a signal.
                return

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Meanwhile Ctrl+C, which goes to everyone at the terminal, is meant for whom it is lent to."""
        self._lent = True
        try:
            yield
        finally:
            self._lent = False

    def _begin(self, name: str) -> None:
        if name != "SIGINT" or not self._lent:
            self._task = self._task or asyncio.create_task(self._quit())


def hung_up() -> bool:
    """Whether the terminal is gone; where it is not the controlling one, no signal tells of that."""
    if sys.platform == "win32" or sys.__stdin__ is None:
        return False
    poll = select.poll()
    poll.register(sys.__stdin__.fileno(), 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))
