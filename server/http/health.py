"""Whether the server is alive, and whether it is ready for clients, with one line of why not."""

import asyncio
import time

from server.handlers.dispatch import Room
from server.ops.watchdog import Watchdog
from server.storage import schema
from server.storage.database import Database

SILENT_SECONDS = 5.0
"""Without a beat of the watchdog the server counts as dead."""
LATE_SECONDS = 1.0
"""How late the loop may have been lately."""
PROBE_SECONDS = 2.0
"""For a write that proves that the database takes any."""
PROVEN_SECONDS = 1.0
"""One such write serves everyone who asks so soon: whoever may ask is not to keep the disk busy."""


class Health:
    """What a supervisor or a load balancer asks; each answer is empty when all is well."""

    def __init__(self, room: Room, database: Database, watchdog: Watchdog) -> None:
        self._room = room
        self._database = database
        self._watchdog = watchdog
        self._probe: asyncio.Future[None] | None = None
        self._proven_until = 0.0

    def ailing(self) -> str:
        """Why the process should be started anew."""
        if self._watchdog.silent > SILENT_SECONDS:
            return f"the event loop has not come round for {self._watchdog.silent:.1f} s"
        return ""

    async def unready(self) -> str:
        """Why no clients should be sent here now."""
        if self._room.ending:
            return "the server is ending"
        if ailing := self.ailing():
            return ailing
        if self._watchdog.worst > LATE_SECONDS:
            return f"the event loop was {self._watchdog.worst:.1f} s late within the last seconds"
        return await self._unwritable()

    async def _unwritable(self) -> str:
        """Writes, for what was true at the last message need not be true any more, nor what failed fail for ever."""
        now = time.monotonic()
        if self._probe is None or (self._probe.done() and now > self._proven_until):
            self._probe = self._database.write(schema.touch)
            # Who asked may be gone by then, and asyncio would complain that nobody looked.
            self._probe.add_done_callback(lambda probe: probe.cancelled() or probe.exception())
            self._proven_until = now + PROVEN_SECONDS
        done, _ = await asyncio.wait([self._probe], timeout=PROBE_SECONDS)
        if not done:
            return f"the database has taken no write for {PROBE_SECONDS:.0f} s; is it locked by another process?"
        error = self._probe.exception()
        return f"the database takes no writes: {error}; make room on the disk, or look who holds it" if error else ""
