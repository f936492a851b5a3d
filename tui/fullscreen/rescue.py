"""The helper process of a client in a terminal: kills the client if it hangs, and restores the terminal.

It runs as a process of its own (`python -I -S rescue.py`): while one call never returns, nothing within the client's
process is sure to run, neither another thread nor a signal handler. It imports only the standard library.
"""

import fcntl
import json
import os
import select
import signal
import struct
import sys
import termios
import time
from contextlib import suppress

QUIT_TYPED, ALIVE, SUSPENDED, RESUMED, DONE = b"q", b"a", b"l", b"b", b"."
"""What the client reports: the quit key was pressed; its event loop runs; an editor uses the terminal, or has ended;
the client has ended normally."""
QUIT_SECONDS = 3.0
"""How long a client that was asked to quit may stay silent."""
ORDERLY_SECONDS = 15.0
"""How long the shutdown may take once it has begun."""
TICK_SECONDS = 2.0
"""Input that stays unread for two of these is read here, to find the quit key."""
QUIT_KEYS = (b"\x11", b"\x1b[113;5u")
"""Ctrl+Q, plain and in the kitty keyboard protocol."""
WRITE_SECONDS = 1.0
RESTORE = (
    # Cancel an unfinished sequence, then reset synchronised output, paste, wrapping, sizes, mouse, keyboard and screen.
    b"\x18\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l\x1b[0m\x1b[23;2t"
)


class Rescue:
    """Watches one client, and kills it if it hangs."""

    def __init__(self, client: int, said: int, signals: int, terminal: int, attributes: list[int | list[int]]) -> None:
        """`said` and `signals` are pipes from the client; `attributes` are the terminal's original ones."""
        self._client, self._said, self._signals, self._terminal = client, said, signals, terminal
        self._attributes = attributes
        self._deadline: float | None = None
        self._signalled = self._suspended = False
        self._unread, self._looked_at = 0, time.monotonic()

    def run(self) -> None:
        """Watch until the client has ended or has been killed."""
        poll = select.poll()
        for each in (self._said, self._signals):
            poll.register(each, select.POLLIN)
        # Poll only for a hang-up.
        poll.register(self._terminal, 0)
        while True:
            ready = dict(poll.poll(TICK_SECONDS * 1000 if self._deadline is None else 200))
            if self._signals in ready and os.read(self._signals, 4096):
                self._ask(signalled=True)
            if ready.get(self._terminal, 0) & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                poll.unregister(self._terminal)
                self._ask(signalled=True)
            if self._said in ready and self._is_over(os.read(self._said, 4096)):
                return
            if self._is_overdue() or self._is_unheard():
                self._end()
                return

    def _ask(self, *, signalled: bool) -> None:
        """Start the time limit: the client was asked to quit."""
        self._signalled = self._signalled or signalled
        if self._deadline is None:
            self._deadline = time.monotonic() + QUIT_SECONDS

    def _is_over(self, said: bytes) -> bool:
        """Process what the client reported; return True once it has ended."""
        if DONE in said:
            return True
        if not said:
            # The pipe is closed: the client has died.
            self._restore()
            return True
        for each in said:
            if each == QUIT_TYPED[0]:
                self._ask(signalled=False)
            elif each == ALIVE[0] and self._deadline is not None:
                # The quit key may have opened a question; after a signal, the client is shutting down.
                self._deadline = time.monotonic() + ORDERLY_SECONDS if self._signalled else None
            elif each in {SUSPENDED[0], RESUMED[0]}:
                self._suspended = each == SUSPENDED[0]
        return False

    def _is_overdue(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _is_unheard(self) -> bool:
        """Return whether the quit key is in input that the client has stopped reading; consume that input."""
        now = time.monotonic()
        if self._suspended or now < self._looked_at + TICK_SECONDS:
            return False
        before, self._looked_at, self._unread = self._unread, now, self._waiting()
        if not before or self._unread < before:
            return False
        with suppress(OSError):
            typed = os.read(self._terminal, 4096)
            return any(key in typed for key in QUIT_KEYS)
        return False

    def _waiting(self) -> int:
        """Return the number of unread bytes of input."""
        with suppress(OSError):
            (count,) = struct.unpack("i", fcntl.ioctl(self._terminal, termios.FIONREAD, bytes(4)))
            return int(count)
        return 0

    def _end(self) -> None:
        # The terminal first: a shell that waits for the client resumes as soon as the client ends.
        self._restore()
        if os.getppid() == self._client:
            os.kill(self._client, signal.SIGKILL)

    def _restore(self) -> None:
        # While an editor runs, the terminal is in the editor's mode.
        if not self._suspended:
            restore(self._terminal, self._attributes)


def restore(terminal: int, attributes: list[int | list[int]]) -> None:
    """Reset a terminal to these attributes and its normal screen; give up after WRITE_SECONDS if nothing reads it."""
    with suppress(OSError, termios.error):
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)
        termios.tcflush(terminal, termios.TCIFLUSH)
    end, left = time.monotonic() + WRITE_SECONDS, RESTORE
    with suppress(OSError):
        # Reopened, so that non-blocking mode applies to this process alone.
        own = os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        while left and time.monotonic() < end:
            if select.select([], [own], [], 0.1)[1]:
                left = left[os.write(own, left) :]


def main() -> None:
    """Watch the client that started this process."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU):
        signal.signal(each, signal.SIG_IGN)
    client, said, signals = map(int, sys.argv[1:4])
    Rescue(client, said, signals, sys.stdin.fileno(), json.loads(sys.argv[4])).run()


if __name__ == "__main__":
    main()
