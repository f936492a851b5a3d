"""The client's side of its helper process (`tui.fullscreen.rescue`): starts it and reports to it."""

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
"""A terminal's attributes as termios returns them; the last item lists its control characters."""


class Watchdog:
    """Kills this process if it does not react to a signal or the quit key, and restores the terminal."""

    def __init__(self, terminal: int, attributes: Attributes) -> None:
        """Start the helper; `attributes` are the terminal's original ones. Raises OSError."""
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
        # faulthandler writes within the signal handler, whatever the process is doing, then calls asyncio's handler.
        for sent in (signal.SIGTERM, signal.SIGHUP):
            faulthandler.register(sent, self._signals, all_threads=False, chain=True)

    def quit_typed(self) -> None:
        """Report the quit key; the event loop has `rescue.QUIT_SECONDS` to handle it."""
        self._signal(rescue.QUIT_TYPED)

    def alive(self) -> None:
        """Report that the event loop runs and handles the request to quit."""
        self._signal(rescue.ALIVE)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Report that an editor uses the terminal while the block runs, so that input is meant for the editor."""
        self._signal(rescue.SUSPENDED)
        try:
            yield
        finally:
            self._signal(rescue.RESUMED)

    def _signal(self, word: bytes) -> None:
        # The helper may be gone; the client works without it.
        with suppress(OSError):
            os.write(self._said, word)

    def close(self) -> None:
        """Stop the helper, once the terminal is restored."""
        self._signal(rescue.DONE)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(rescue.QUIT_SECONDS)


def numbers(attributes: Attributes) -> list[int | list[int]]:
    """Return the attributes with numbers instead of bytes, which both JSON and termios accept."""
    return [
        each if isinstance(each, int) else [one if isinstance(one, int) else one[0] for one in each]
        for each in attributes
    ]
