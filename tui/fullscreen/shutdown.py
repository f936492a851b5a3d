"""Shuts the client down in order when a signal or the loss of the terminal ends it, and restores the terminal.

That takes a running event loop. Where the loop hangs, the helper process of `tui.fullscreen.watchdog` kills the client.
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
"""Time limit for an orderly shutdown after the terminal is gone."""


class ShutdownSignals:
    """Calls `quit` once, at SIGTERM, SIGHUP, SIGINT or the loss of the terminal."""

    def __init__(self, quit: Callable[[], Coroutine[None, None, None]]) -> None:  # noqa: A002
        self._quit = quit
        self._task: asyncio.Task[None] | None = None
        self._lent = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._found: list[int | list[bytes | int]] | None = None
        """The terminal's original attributes."""
        self._watchdog: Watchdog | None = None

    def watch(self) -> None:
        """Start watching. Call it in the running event loop, before the terminal is changed."""
        self._loop = loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            try:
                loop.add_signal_handler(getattr(signal, name), partial(self._begin, name))
            except (AttributeError, NotImplementedError):
                # Windows has no such signals.
                return
        if sys.__stdin__ and sys.__stdin__.isatty():
            import termios

            self._found = termios.tcgetattr(sys.__stdin__.fileno())
            threading.Thread(target=self._await_hang_up, args=(loop, sys.__stdin__.fileno()), daemon=True).start()

    def guard(self) -> None:
        """Start the helper process that kills a hung client; it starts slowly, so call this after the first frame."""
        if self._found is None or self._watchdog or not sys.__stdin__:
            return
        from tui.fullscreen.watchdog import Watchdog

        with suppress(OSError):
            self._watchdog = Watchdog(sys.__stdin__.fileno(), self._found)

    def quit_typed(self) -> None:
        """Notify the helper of the quit key; called in the thread that reads the terminal, as the loop may hang."""
        if self._watchdog and self._loop:
            self._watchdog.quit_typed()
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._watchdog.alive)

    def close(self) -> None:
        """Stop the helper, once the client has ended and restored the terminal."""
        if self._watchdog:
            self._watchdog.close()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Ignore SIGINT while another program has the terminal: Ctrl+C is meant for that program."""
        self._lent = True
        with self._watchdog.suspended() if self._watchdog else nullcontext():
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
        """Wait for the loss of the terminal, which sends no signal unless it is the controlling terminal."""
        poll = select.poll()
        poll.register(terminal, 0)
        if not any(events & select.POLLHUP for _, events in poll.poll()):
            # Some systems cannot poll a terminal.
            return
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._begin, "SIGHUP")
        time.sleep(QUIT_SECONDS)
        # Drawing may block the event loop forever, as the terminal reads no more.
        os._exit(128 + signal.SIGHUP)
