"""Fair scheduling of work from many sources: a slice of it in each turn of the event loop."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

SLICE_SECONDS = 0.005


class FairScheduler:
    """Runs work in FIFO order, for a limited time per loop turn. Work that is not finished schedules itself again."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._scheduled = False

    def schedule(self, work: Callable[[], None]) -> None:
        """Run `work` in the next turn of the event loop, or in a later one."""
        self._waiting.append(work)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._run_slice)

    def _run_slice(self) -> None:
        end = time.monotonic() + SLICE_SECONDS
        try:
            while self._waiting and time.monotonic() < end:
                self._waiting.popleft()()
        finally:
            self._scheduled = bool(self._waiting)
            if self._scheduled:
                asyncio.get_running_loop().call_soon(self._run_slice)
