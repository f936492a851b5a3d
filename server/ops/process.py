"""How a server process lives: its event loop, its log, the signals and the parent that end it."""

import asyncio
import gc
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType

MAX_DESCRIPTORS = 65_536
"""More are not asked for."""


def run(main: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run until SIGTERM or SIGINT, which uvicorn drains upon; both are a normal end."""
    end_by_signal()
    raise_descriptor_limit()
    # What is imported stays; and a collection for each 700 new objects costs a fifth of the CPU when everyone connects.
    gc.freeze()
    # The second number keeps the middle collections short: of 100,000 objects they held the loop for 18 ms in a burst.
    gc.set_threshold(10_000, 2, 50)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main())


def raise_descriptor_limit() -> None:
    """Allow as many open files as this process may allow itself, where there is such a limit: a connection is one."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def end_with_parent() -> None:
    """End as upon SIGTERM once standard input closes: when the parent closes it, or is gone however it went."""

    def wait() -> None:
        sys.stdin.buffer.read()
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def end_by_signal() -> None:
    """From here on SIGTERM and SIGINT end the process in order, also if they come before anything is served."""
    # uvicorn raises a signal again after it has drained; without a handler of ours that would end in a failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def ending() -> bool:
    """Whether a signal came."""
    return _ended.is_set()


_ended = threading.Event()


def _end(_signal: int, _frame: FrameType | None) -> None:
    _ended.set()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
