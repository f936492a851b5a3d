"""The client in a real pseudo-terminal: all bytes that it sends, and the screen that they draw."""

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

import pyte

from tests.support.forks import Fork, Process, can_fork
from tests.support.server_process import as_module, environment

COLUMNS, LINES = 120, 36
WAIT_SECONDS = 30.0
FULL_BYTES = 4000
"""The terminal's buffer is a page of memory, of which a line's end may be kept free."""
KEYS = {
    "up": "\x1b[A",
    "down": "\x1b[B",
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "ctrl+o": "\x0f",
    "ctrl+s": "\x13",
}
KEYS |= {
    "ctrl+n": "\x0e",
    "ctrl+q": "\x11",
    "end": "\x1b[F",
    "ctrl+f": "\x06",
    "ctrl+k": "\x0b",
    "ctrl+r": "\x12",
    "ctrl+g": "\x07",
    "ctrl+e": "\x05",
    "ctrl+t": "\x14",
    "focus": "\x1b[I",
    "blur": "\x1b[O",
}

SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-OQ-WYZ`-~])",
    re.DOTALL,
)
# Sequences that pyte would print: private parameters of CSI, and strings other than titles.
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<=>][0-?]*[ -/]*[@-~]|\x1b\[\?[0-9;]*\$[a-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CUT = re.compile(rb"\x1b[^\x1b]{0,300}\Z")


class Place(NamedTuple):
    """A cell of the screen, counted from 1 as the mouse does."""

    column: int
    line: int


class Terminal:
    """`python -m tui ARGUMENTS`, or another program, in a terminal; the context manager ends it."""

    def __init__(
        self,
        *arguments: str,
        directory: Path,
        extra: Mapping[str, str] | None = None,
        program: str = "tui",
        constants: Mapping[str, float] | None = None,
    ) -> None:
        """`constants` maps the full names of constants in the client to their values in this process."""
        self.raw = bytearray()
        """All bytes that were sent to the terminal."""
        self._fed = 0
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = os.openpty()
        self.found = termios.tcgetattr(slave)
        """The state of the terminal before the client."""
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        plain = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "", "LINES": ""}
        # Variables that name the terminal of the tests themselves do not apply to this one.
        plain |= dict.fromkeys(("TERM_PROGRAM", "KITTY_WINDOW_ID", "WEZTERM_PANE", "TMUX", "STY"), "")
        environ = environment({**plain, **(extra or {})})
        if can_fork(extra):
            streams = [slave] * 3
            self.process: Process = Fork(
                program, arguments, directory, environ, streams, new_session=True, constants=constants
            )
        else:
            self.process = subprocess.Popen(
                [sys.executable, *as_module(program, constants), *arguments],
                cwd=directory,
                env=environ,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                start_new_session=True,
                text=True,
            )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    @property
    def screen(self) -> str:
        """Return what the user sees, line by line."""
        return "\n".join(self._screen.display)

    @property
    def alive(self) -> bool:
        """Return whether the client is running."""
        return self.process.poll() is None

    def until(self, text: str) -> None:
        """Wait until a text is on the screen."""
        end = time.monotonic() + WAIT_SECONDS
        while text not in self.screen:
            assert time.monotonic() < end, f"never seen: {text!r}\n{self.screen}"
            assert self._read(0.05) or self.alive, f"ended before {text!r} was seen\n{self.screen}"

    def until_sent(self, sequence: bytes) -> None:
        """Wait until the client has sent a sequence."""
        end = time.monotonic() + WAIT_SECONDS
        while sequence not in self.raw:
            assert time.monotonic() < end, f"never sent: {sequence!r}\n{self.screen}"
            self._read(0.01)

    def until_full(self) -> None:
        """Wait, without reading, until the terminal accepts no more: it buffers less than a screen."""
        end = time.monotonic() + WAIT_SECONDS
        while struct.unpack("i", fcntl.ioctl(self._master, termios.FIONREAD, bytes(4)))[0] < FULL_BYTES:
            assert time.monotonic() < end, "the client draws too little"
            time.sleep(0.02)

    @property
    def left(self) -> list[object]:
        """Return the current state of the terminal, as termios reports it."""
        return list(termios.tcgetattr(self._master))

    def until_gone(self, text: str) -> None:
        """Wait until a text is gone from the screen."""
        end = time.monotonic() + WAIT_SECONDS
        while text in self.screen:
            assert time.monotonic() < end, f"still seen: {text!r}\n{self.screen}"
            self._read(0.05)

    def settle(self, seconds: float = 0.3) -> None:
        """Read until nothing has arrived for this long."""
        end = time.monotonic() + WAIT_SECONDS
        while self._read(seconds):
            assert time.monotonic() < end, "the client never stops drawing"

    def press(self, *keys: str) -> None:
        """Press keys by their names, or characters. A surrogate is a byte that is not UTF-8, see PEP 383."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode(errors="surrogateescape"))
            self._read(0.03)

    def click(self, text: str, inside: int = 0) -> None:
        """Click on the first occurrence of a text, this many cells into it."""
        place = self.find(text)
        at = f"{place.column + inside};{place.line}"
        os.write(self._master, f"\x1b[<0;{at}M\x1b[<0;{at}m".encode())
        self._read(0.03)

    def drag(self, start: str, end: str, inside: int = 0) -> None:
        """Drag the mouse from one text to this many cells into another."""
        first, last = self.find(start), self.find(end)
        at, to = f"{first.column};{first.line}", f"{last.column + inside};{last.line}"
        os.write(self._master, f"\x1b[<0;{at}M\x1b[<32;{to}M\x1b[<0;{to}m".encode())
        self._read(0.03)

    def find(self, text: str) -> Place:
        """Return the position of a text."""
        for number, line in enumerate(self._screen.display):
            if text in line:
                cells = [self._screen.buffer[number][column].data for column in range(COLUMNS)]
                starts = [column for column in range(COLUMNS) if "".join(cells[column:]).startswith(text)]
                return Place(starts[0] + 1, number + 1)
        raise AssertionError(f"not on the screen: {text!r}\n{self.screen}")

    def quit(self) -> int:
        """Quit by the key; return the exit code."""
        self.press("ctrl+q")
        return self.ended()

    def ended(self) -> int:
        """Wait for the end, and read the remaining output; return the exit code."""
        end = time.monotonic() + WAIT_SECONDS
        while self.alive:
            assert time.monotonic() < end, f"it does not end\n{self.screen}"
            self._read(0.05)
        while self._read(0.05):
            pass
        return self.process.wait()

    def hang_up(self) -> None:
        """Close the terminal under the client; afterwards only leave the context."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDONLY)

    def _read(self, seconds: float) -> bool:
        """Read for up to this many seconds; return whether anything arrived."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            # The last process at the other end has closed it.
            return False
        self.raw += data
        cut = _CUT.search(self.raw, self._fed)
        # An incomplete sequence waits for its rest.
        whole = cut.start() if cut and not SEQUENCE.match(self.raw, cut.start()) else len(self.raw)
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", bytes(self.raw[self._fed : whole])))
        self._fed = whole
        return True
