"""Sends the server how far the user has read."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from server.protocol.frames import Frame, Ping
from tui.client.state import ClientState

MARK_SECONDS = 5.0
"""Minimum time between two batches of read markers."""
ANSWER_SECONDS = 1.0
"""Maximum wait at the end until the server has handled what was sent."""


class ReadMarks:
    """Sends the markers of a state: at once, then at most once every MARK_SECONDS."""

    def __init__(self, state: ClientState, send: Callable[[Frame], None], is_online: Callable[[], bool]) -> None:
        self._state, self._send, self._is_online = state, send, is_online
        self._timer: asyncio.TimerHandle | None = None
        self._answered: asyncio.Event | None = None
        """Set once the server has answered a ping, and so has handled everything before the ping."""

    def send_due(self) -> None:
        """Send the markers, or wait until MARK_SECONDS have passed."""
        if self._is_online() and not self._timer and self._send_all():
            self._timer = asyncio.get_running_loop().call_later(MARK_SECONDS, self._send_again)

    async def finish(self) -> None:
        """Send the markers, and wait until the server has handled them: it drops the rest when the connection ends."""
        if not self._is_online():
            return
        sent = self._send_all()
        if not (sent or self._timer):
            return
        self._answered = asyncio.Event()
        self._send(Ping())
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._answered.wait()

    def on_pong(self) -> None:
        """Record that the server has answered a ping."""
        if self._answered:
            self._answered.set()

    def _send_all(self) -> bool:
        due = self._state.markers.drain()
        for marker in due:
            self._send(marker)
        return bool(due)

    def _send_again(self) -> None:
        self._timer = None
        self.send_due()
