"""What ends the client from outside ends it in order, so that the terminal is left as it was found.

In order where the loop runs; where it does not, the helper process of `tui.fullscreen.watchdog` ends the client.
"""

import asyncio
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.fullscreen.watchdog import Watchdog

QUIT_SECONDS = 3.0
"""For an orderly end without a terminal."""


class Ending:
    """SIGTERM, SIGHUP, SIGINT and the loss of the terminal end in `quit`, once."""

    def __init__(self, quit: Callable[[], Coroutine[None, None, None]]) -> None:  # noqa: A002
        self._quit = quit
        self._task: asyncio.Task[None] | None = None
        self._lent = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._found: list[int | list[bytes | int]] | None = None
        """The terminal's attributes from before the client."""
        self._watchdog: Watchdog | None = None

    def watch(self) -> None:
        """From here on; in the loop that runs now, before the terminal is touched."""
        self._loop = loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            try:
                loop.add_signal_handler(getattr(signal, name), partial(self._begin, name))
            except (AttributeError, NotImplementedError):
                # Windows ends a process without a signal.
                return
        if sys.__stdin__ and sys.__stdin__.isatty():
            import termios

            self._found = termios.tcgetattr(sys.__stdin__.fileno())
            threading.Thread(target=self._await_hang_up, args=(loop, sys.__stdin__.fileno()), daemon=True).start()

    def guard(self) -> None:
        """Have the client ended where its loop does not react. Not before the first frame, as it takes a while."""
        if self._found is None or self._watchdog or not sys.__stdin__:
            return
        from tui.fullscreen.watchdog import Watchdog

        with suppress(OSError):
            self._watchdog = Watchdog(sys.__stdin__.fileno(), self._found)

    def quit_typed(self) -> None:
        """The quit key was pressed; called in the thread that reads the terminal, as the loop may not get to it."""
        if self._watchdog and self._loop:
            self._watchdog.quit_typed()
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._watchdog.alive)

    def close(self) -> None:
        """The client has ended, and the terminal is as it was found."""
        if self._watchdog:
            self._watchdog.close()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Meanwhile Ctrl+C, which goes to everyone at the terminal, is meant for whom it is lent to."""
        self._lent = True
        with self._watchdog.lent() if self._watchdog else nullcontext():
            try:
                yield
            finally:
                self._lent = False

    def _begin(self, name: str) -> None:
        if self._watchdog:
            self._watchdog.alive()
        if name != "SIGINT" or not self._lent:
            self._task = self._task or asyncio.create_task(self._quit())

    def _await_hang_up(self, loop: asyncio.AbstractEventLoop, terminal: int) -> None:
        """Where a terminal is not the controlling one, no signal tells that it is gone."""
        poll = select.poll()
        poll.register(terminal, 0)
        if not any(events & select.POLLHUP for _, events in poll.poll()):
            # Some systems cannot poll a terminal.
            return
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._begin, "SIGHUP")
        time.sleep(QUIT_SECONDS)
        # What draws may be waiting in the loop, for ever, until the terminal takes more.
        os._exit(128 + signal.SIGHUP)
