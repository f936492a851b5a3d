"""Incoming bytes of one client: rate-limited, and passed on in parts so that no client blocks the event loop."""

import asyncio
from collections.abc import Callable

from server.pacing import rate
from server.pacing.limiter import Limiter

PART_BYTES = 8 * 1024
"""Maximum number of bytes passed on in one step. A single read may return 256 KiB, or thousands of frames."""
SMALL_BYTES = 1024
"""Maximum number of bytes passed on immediately; larger reads are scheduled fairly with other clients."""


class Intake:
    """Reads from one transport at the rate that the limits and the other clients allow."""

    def __init__(self, limiter: Limiter, receive: Callable[[bytes], None]) -> None:
        """`receive` is called with each part."""
        self.part_bytes = PART_BYTES
        self._limiter = limiter
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._inbox = b""
        """Bytes that wait to be scheduled; meanwhile reading is paused."""
        self._scheduled = False
        self._paid = 0.0
        self._pauses = 0
        self._stopped = False

    def start(self, transport: asyncio.Transport) -> None:
        """Control reading from this transport until `stop`."""
        self._transport = transport

    @property
    def paused(self) -> bool:
        """True while reading is paused by at least one `pause`."""
        return self._pauses > 0

    def received(self, data: bytes) -> None:
        """Count received bytes and pass them on: immediately if they are few, otherwise scheduled fairly."""
        self.count(len(data))
        self._inbox += data
        if len(self._inbox) <= SMALL_BYTES:
            self._pass_on_part()
        elif not self._scheduled:
            self._transport.pause_reading()
            self._schedule_part()

    def count(self, size: int) -> None:
        """Count bytes against the rate limit; pause reading if it is exceeded."""
        self._paid, wait = rate.spend(self._limiter.bytes_read, self._paid, self._loop.time(), size)
        if wait:
            self.pause()
            self._loop.call_later(wait, self.resume)

    def pause(self) -> None:
        """Stop reading until each `pause` has been undone by a `resume`."""
        self._pauses += 1
        if self._pauses == 1 and self._active():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Undo one `pause`."""
        self._pauses -= 1
        self._continue_reading()

    def stop(self) -> None:
        """Drop waiting bytes, and resume reading for the transport's next protocol."""
        paused = self._pauses or self._scheduled
        self._stopped, self._inbox = True, b""
        if paused and not self._transport.is_closing():
            self._transport.resume_reading()

    def _active(self) -> bool:
        return not self._stopped and not self._transport.is_closing()

    def _continue_reading(self) -> None:
        """Unless paused, continue with waiting bytes, then read from the transport again."""
        if self._pauses or self._scheduled or not self._active():
            return
        if self._inbox:
            self._schedule_part()
        else:
            self._transport.resume_reading()

    def _schedule_part(self) -> None:
        self._scheduled = True
        self._limiter.scheduler.schedule(self._run_part)

    def _run_part(self) -> None:
        self._scheduled = False
        if self._pauses or not self._active():
            return
        self._pass_on_part()
        self._continue_reading()

    def _pass_on_part(self) -> None:
        part, self._inbox = self._inbox[: self.part_bytes], self._inbox[self.part_bytes :]
        self._receive(part)
