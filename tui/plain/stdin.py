"""Lines of standard input, read without blocking the event loop."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

READ_BYTES = 1 << 16
LONGEST_BYTES = 1 << 16
"""Maximum length of a line; the rest is dropped. No message can be longer."""
WAITING_LINES = 100


class Lines:
    """A queue of lines; None marks its end."""

    def __init__(self, ended: Callable[[], None]) -> None:
        """`ended` is called in the event loop once the input has ended; lines may still be in the queue."""
        self._ended = ended
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._room = threading.Semaphore(WAITING_LINES)
        self._loop = asyncio.get_running_loop()
        # A thread, since files and some terminals cannot be polled; a daemon, since nothing can interrupt its read.
        threading.Thread(target=self._read, name="input", daemon=True).start()

    async def next(self) -> str | None:
        """Return the next line without its line end; None after the last."""
        line = await self._queue.get()
        self._room.release()
        return line

    @property
    def waiting(self) -> int:
        """Return the number of lines left in the queue. Use it only after the end of the input."""
        return max(0, self._queue.qsize() - 1)

    def rest(self) -> Iterator[str]:
        """Yield the lines left in the queue, except blank ones."""
        while not self._queue.empty():
            if (line := self._queue.get_nowait()) and line.strip():
                yield line

    def _read(self) -> None:
        # Raised if the event loop is closed: then nobody waits for lines.
        with suppress(RuntimeError):
            for line in _split():
                if line.strip() == "/quit":
                    break
                self._room.acquire()
                self._loop.call_soon_threadsafe(self._queue.put_nowait, line)
            self._loop.call_soon_threadsafe(self._queue.put_nowait, None)
            self._loop.call_soon_threadsafe(self._ended)


def _split() -> Iterator[str]:
    """Yield the lines of standard input.

    Bypasses `sys.stdin`: at exit the interpreter would wait for its lock, which the thread holds while it reads.
    """
    rest = b""
    while data := _some():
        *whole, rest = (rest + data).split(b"\n")
        yield from (_decoded(line).rstrip("\r") for line in whole)
        rest = rest[:LONGEST_BYTES]
    if rest:
        yield _decoded(rest)


def _decoded(line: bytes) -> str:
    """Decode a line; bytes that are not UTF-8 become surrogates, by which the line is recognised and refused."""
    return line.decode(errors="surrogateescape")


def _some() -> bytes:
    try:
        return os.read(0, READ_BYTES)
    except OSError:
        # A closed input, or a terminal that is gone, counts as the end of the input.
        return b""
