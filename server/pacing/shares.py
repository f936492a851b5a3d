"""Fair scheduling of work from many sources: a slice of it in each turn of the event loop."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

SHARE_SECONDS = 0.005


class Shares:
    """Runs work in FIFO order, for a limited time per loop turn. Work that is not finished schedules itself again."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._going = False

    def soon(self, work: Callable[[], None]) -> None:
        """Run this in the next turn of the event loop, or a later one."""
        self._waiting.append(work)
        if not self._going:
            self._going = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        end = time.monotonic() + SHARE_SECONDS
        try:
            while self._waiting and time.monotonic() < end:
                self._waiting.popleft()()
        finally:
            self._going = bool(self._waiting)
            if self._going:
                asyncio.get_running_loop().call_soon(self._go_on)
