"""The client's side of its helper process (`tui.fullscreen.rescue`): starts it, and says what it needs to know."""

import faulthandler
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tui.fullscreen import rescue

Attributes = list[int | list[bytes | int]]
"""Of a terminal, as termios has them: the last are its control characters."""


class Watchdog:
    """Ends this process where it does not react to a signal or the quit key, with the terminal as it was found."""

    def __init__(self, terminal: int, attributes: Attributes) -> None:
        """Start the helper; `attributes` are the terminal's from before it was touched. OSError if that fails."""
        heard, self._said = os.pipe()
        signalled, self._signals = os.pipe()
        for each in (self._said, self._signals):
            os.set_blocking(each, False)
        script = str(Path(rescue.__file__))
        arguments = [str(os.getpid()), str(heard), str(signalled), json.dumps(numbers(attributes))]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and a file of this package
                [sys.executable, "-I", "-S", script, *arguments], stdin=terminal, pass_fds=(heard, signalled)
            )
        finally:
            os.close(heard)
            os.close(signalled)
        # It writes from within the signal handler, whatever else the process is doing, and goes on to asyncio's.
        for sent in (signal.SIGTERM, signal.SIGHUP):
            faulthandler.register(sent, self._signals, all_threads=False, chain=True)

    def quit_typed(self) -> None:
        """The quit key was pressed; the loop has `rescue.QUIT_SECONDS` to get there."""
        self._tell(rescue.QUIT_TYPED)

    def alive(self) -> None:
        """The loop runs: it got to what was asked for."""
        self._tell(rescue.ALIVE)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Meanwhile an editor has the terminal, and what is typed is for it."""
        self._tell(rescue.LENT)
        try:
            yield
        finally:
            self._tell(rescue.BACK)

    def _tell(self, word: bytes) -> None:
        # A helper that is gone is not missed.
        with suppress(OSError):
            os.write(self._said, word)

    def close(self) -> None:
        """The terminal is as it was found: the helper has nothing more to do."""
        self._tell(rescue.DONE)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(rescue.QUIT_SECONDS)


def numbers(attributes: Attributes) -> list[int | list[int]]:
    """Return the attributes without bytes, as JSON and termios both take them."""
    return [
        each if isinstance(each, int) else [one if isinstance(one, int) else one[0] for one in each]
        for each in attributes
    ]
