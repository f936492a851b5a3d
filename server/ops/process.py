"""The server process: its event loop, and shutdown by signals or by its parent."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import TextIO

MAX_DESCRIPTORS = 65_536
"""Upper bound of the limit of open files that the server requests."""


def run(main: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run until SIGTERM or SIGINT, on which uvicorn drains connections. Both are a normal exit."""
    handle_signals()
    raise_descriptor_limit()
    tune_garbage_collection()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main())


def tune_garbage_collection() -> None:
    """Collect garbage more rarely than Python does by default."""
    # Imported objects are permanent. The default threshold of 700 would cost a fifth of the CPU when everyone connects.
    gc.freeze()
    # The second threshold keeps middle generations small: at 100,000 objects a collection blocked the loop for 18 ms.
    gc.set_threshold(10_000, 2, 50)


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open files, because each connection uses one. Does nothing on platforms without one."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def say(line: str, stream: TextIO | None) -> None:
    """Print a line as it is. A stream that nobody reads any more does not stop the server."""
    try:
        print(line, file=stream, flush=True)
    except OSError:
        silence(stream)


def silence(stream: TextIO | None) -> None:
    """Redirect a broken stream to the null device, so that Python does not report the error again at exit."""
    if stream:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def exit_with_parent() -> None:
    """Raise SIGTERM once standard input closes: the parent has closed it, or has exited for any reason."""
    descriptor = sys.stdin.fileno()

    def wait() -> None:
        # Not with `sys.stdin`: the interpreter would abort at exit if this thread held the lock of the stream.
        while os.read(descriptor, 4096):
            pass
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def handle_signals() -> None:
    """Handle SIGTERM and SIGINT with an orderly shutdown, even if they arrive before the server is running."""
    # uvicorn raises the signal again after draining; with the default handler the exit code would be a failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note_signal)


def shutdown_requested() -> bool:
    """Return whether a signal has arrived."""
    return bool(_signals)


def shutdown_signal() -> str | None:
    """Return the name of the first signal that arrived; None if none did."""
    return _signals[0] if _signals else None


def shut_down() -> None:
    """Start an orderly shutdown with exit code 1, on which a service manager restarts the server, as with BareRTC."""
    _restarts.append(True)
    signal.raise_signal(signal.SIGTERM)


def exit_code() -> int:
    """Return the exit code of an orderly shutdown: 1 after `shut_down`, otherwise 0."""
    return int(bool(_restarts))


def note_signal(number: int, _frame: FrameType | None = None) -> None:
    """Record a signal; can be installed as its handler."""
    _signals.append(signal.Signals(number).name)


_signals: list[str] = []
_restarts: list[bool] = []


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
