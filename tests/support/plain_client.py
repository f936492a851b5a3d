"""The client without a screen, `python -m tui --plain`, with pipes for its input and output."""

import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.support.server_process import start

WAIT_SECONDS = 30.0


class PlainClient:
    """One such process; the context manager ends it."""

    def __init__(self, url: str, name: str, directory: Path) -> None:
        errors, log = os.pipe()
        self.process = start("tui", ["--plain", "--name", name, url], directory, log)
        os.close(log)
        assert self.process.stdin
        assert self.process.stdout
        self._input, self._output = self.process.stdin, self.process.stdout
        self.lines: list[str] = []
        """The lines read from its output."""
        self._coming: queue.Queue[str] = queue.Queue()
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=_read, args=(os.dup(self._output.fileno()), self._coming.put)),
            threading.Thread(target=_read, args=(errors, self._errors.append)),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()
        self._input.close()
        self._output.close()

    def write(self, *lines: str) -> None:
        """Type lines."""
        text = "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
        while text:
            text = text[os.write(self._input.fileno(), text) :]

    def until(self, text: str) -> str:
        """Return the next line that contains a text."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                line = self._coming.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"never printed: {text!r}\n{self.lines}\n{self._errors}") from None
            self.lines.append(line)
            if text in line:
                return line

    def until_error(self, text: str) -> None:
        """Wait until a text is on its standard error."""
        end = time.monotonic() + WAIT_SECONDS
        while not any(text in line for line in self._errors):
            assert time.monotonic() < end, f"never complained of: {text!r}\n{self.lines}\n{self._errors}"
            time.sleep(0.02)

    def end_input(self) -> tuple[int, list[str]]:
        """Close its input; return the exit code, and its standard error."""
        self._input.close()
        return self.ended()

    def ended(self) -> tuple[int, list[str]]:
        """Wait for the end; return the exit code and standard error. The remaining output is added to `lines`."""
        code = self.process.wait(WAIT_SECONDS)
        for thread in self._threads:
            thread.join()
        while not self._coming.empty():
            self.lines.append(self._coming.get())
        return code, self._errors


def _read(pipe: int, take: Callable[[str], None]) -> None:
    with open(pipe, "rb") as lines:
        for line in lines:
            take(line.decode().removesuffix("\n"))
