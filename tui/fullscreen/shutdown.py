"""Shuts the client down in order on a signal or the loss of the terminal, and restores the terminal.

This needs a running event loop. If the loop hangs, for example because nothing reads the terminal's output, a time
limit ends the client; if no code of this process can run, the helper process of `tui.fullscreen.watchdog` kills it.
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
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.fullscreen.watchdog import Watchdog

QUIT_SECONDS = 3.0
"""Time limit for an orderly shutdown after the terminal is gone."""
END_SECONDS = 5.0
"""Time limit for an orderly shutdown otherwise; stopping a local server takes most of it."""
TIMED_OUT = 1
"""Exit code after the time limit; after a signal it is 128 + its number, as in a shell."""


class ShutdownSignals:
    """Calls `quit` once, on SIGTERM, SIGHUP, SIGINT or the loss of the terminal."""

    def __init__(self, quit: Callable[[], Coroutine[None, None, None]]) -> None:  # noqa: A002
        self._quit = quit
        self._task: asyncio.Task[None] | None = None
        self._suspended = self._limited = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._found: list[int | list[bytes | int]] | None = None
        """The terminal's original attributes."""
        self._watchdog: Watchdog | None = None

    def watch(self, *, limited: bool) -> None:
        """Start watching. Call it in the running event loop, before the terminal is changed.

        `limited`: a signal ends this process within END_SECONDS, even if the loop hangs.
        """
        self._loop = loop = asyncio.get_running_loop()
        self._limited = limited
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            try:
                loop.add_signal_handler(getattr(signal, name), partial(self._begin, name))
            except (AttributeError, NotImplementedError):
                # Windows has no such signals.
                self._limited = False
                return
            if limited:
                # In place of the loop's own handler, which does nothing: the loop reads the number from a pipe.
                signal.signal(getattr(signal, name), self._signalled)
        if sys.__stdin__ and sys.__stdin__.isatty():
            import termios

            self._found = termios.tcgetattr(sys.__stdin__.fileno())
            threading.Thread(target=self._await_hang_up, args=(loop, sys.__stdin__.fileno()), daemon=True).start()

    def limit(self, code: int = TIMED_OUT) -> None:
        """Exit with `code` after END_SECONDS, if this process has not ended by then."""
        if self._limited and sys.platform != "win32" and not signal.getitimer(signal.ITIMER_REAL)[0]:
            signal.signal(signal.SIGALRM, lambda *_: self._end(code))
            signal.setitimer(signal.ITIMER_REAL, END_SECONDS)

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        # Called in the main thread at any point, even while it waits for a terminal whose output nobody reads.
        if number != signal.SIGINT or not self._suspended:
            self.limit(128 + number)

    def _end(self, code: int) -> None:
        if self._found is not None and self._watchdog is None and sys.__stdin__:
            from tui.fullscreen import rescue
            from tui.fullscreen.watchdog import numbers

            rescue.restore(sys.__stdin__.fileno(), numbers(self._found))
        # The helper, if there is one, restores the terminal once this process is gone.
        os._exit(code)

    def guard(self) -> None:
        """Start the helper process that kills a hung client; it starts slowly, so call this after the first frame."""
        if self._found is None or self._watchdog or not sys.__stdin__:
            return
        from tui.fullscreen.watchdog import Watchdog

        with suppress(OSError):
            self._watchdog = Watchdog(sys.__stdin__.fileno(), self._found)

    def quit_typed(self) -> None:
        """Notify the helper of the quit key. Called in the thread that reads the terminal: the event loop may hang."""
        if self._watchdog and self._loop:
            self._watchdog.quit_typed()
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._watchdog.alive)

    def close(self) -> None:
        """Stop the helper, once the client has ended and restored the terminal."""
        if self._limited and sys.platform != "win32":
            signal.setitimer(signal.ITIMER_REAL, 0)
        if self._watchdog:
            self._watchdog.close()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Ignore SIGINT while another program uses the terminal: Ctrl+C is meant for that program."""
        self._suspended = True
        with self._watchdog.suspended() if self._watchdog else nullcontext():
            try:
                yield
            finally:
                self._suspended = False

    def _begin(self, name: str) -> None:
        if self._watchdog:
            self._watchdog.alive()
        if name != "SIGINT" or not self._suspended:
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
        # Drawing may block the event loop forever: nothing reads the terminal's output any more.
        os._exit(128 + signal.SIGHUP)
