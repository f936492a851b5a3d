"""What a client sent too fast: it waits here for its turn, in the order in which it came."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol


class Source(Protocol):
    """Where more comes from."""

    def pause(self) -> None:
        """Take nothing from the client until `resume`."""

    def resume(self) -> None:
        """Go on after `pause`."""


class Turns:
    """Of one client; while something waits, no more is read from it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def take(self, wait: float, work: Callable[[], None]) -> None:
        """Do this now or after so many seconds, but nothing before what came earlier."""
        if not wait and not self._waiting:
            work()
            return
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + wait, work))
        if self._timer is None:
            self._source.pause()
            self._set_timer(loop)

    def stop(self) -> None:
        """Forget what waits: its client is told to go, or is gone."""
        self._waiting.clear()
        self._end()

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_at(self._waiting[0][0], self._go_on, loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._waiting and self._waiting[0][0] <= now:
            _, work = self._waiting.popleft()
            work()
        if self._waiting:
            self._set_timer(loop)
        else:
            self._end()

    def _end(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
            self._source.resume()
