"""A queue that delays the requests of a client that exceeds its rate, without changing their order."""

import asyncio
from collections.abc import Callable
from typing import Protocol


class Source(Protocol):
    """A source of requests whose reading can be paused."""

    def pause(self) -> None:
        """Stop reading from the client until `resume`."""

    def resume(self) -> None:
        """Undo one `pause`."""


class DelayQueue:
    """Delayed requests of one client. While the queue is not empty, or held, reading from the client is paused."""

    def __init__(self, source: Source) -> None:
        self._source = source
        # A list, because it has few entries, and an empty deque would occupy 760 bytes for each connection.
        self._waiting: list[tuple[float, Callable[[], None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self.held = False
        """Nothing runs until `release`."""

    def hold(self) -> None:
        """Run nothing until `release`."""
        self.held = True
        self._source.pause()

    def release(self) -> None:
        """Undo `hold`: run what was scheduled in the meantime. Has no effect if the queue is not held."""
        if self.held:
            self.held = False
            if self._waiting:
                self._start(asyncio.get_running_loop())
            self._source.resume()

    def schedule(self, wait: float, work: Callable[[], None]) -> None:
        """Run `work` now, or after a delay of `wait` seconds, but never before earlier work."""
        if not wait and not self._waiting and not self.held:
            work()
            return
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + wait, work))
        if self._timer is None and not self.held:
            self._start(loop)

    def stop(self) -> None:
        """Drop all queued work: the client has left or is being disconnected."""
        self._waiting.clear()
        self.release()
        self._resume_source()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._source.pause()
        self._set_timer(loop)

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_at(self._waiting[0][0], self._run_due, loop)

    def _run_due(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._waiting and self._waiting[0][0] <= now:
            _, work = self._waiting.pop(0)
            work()
        if self._waiting:
            self._set_timer(loop)
        else:
            self._resume_source()

    def _resume_source(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
            self._source.resume()
