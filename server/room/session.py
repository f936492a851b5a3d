"""Who is on a connection and what state they are in; knows frames, and of bytes only how to frame them."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Protocol

from websockets.frames import Frame as WebsocketFrame
from websockets.frames import Opcode

from server.pacing.turns import Turns
from server.protocol.codec import encode
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import CHAT_SERVER, Disconnect, Error, Frame, WhoEntry
from server.rules.messages import Person
from server.rules.refusal import Refusal
from server.rules.statuses import ONLINE
from server.storage.fair import Turn

MAX_ASKED = 256
"""What a session may have asked without an answer yet before its connection is read no further."""

MAX_HELD_BYTES = 256 * 1024
"""What is held for a client that has not caught up; it could not be left unread either."""
HELD_TOO_MUCH = "More was said than can be held for you while you catch up; reconnect."


def framed(frame: Frame) -> bytes:
    """A frame as the bytes of one websocket message; the same for every client, so made once for all of them."""
    return WebsocketFrame(Opcode.TEXT, encode(frame)).serialize(mask=False)


class Outlet(Protocol):
    """What a session needs of its connection."""

    @property
    def unsent(self) -> int:
        """Bytes that the client has left unread in this process."""

    def write(self, wire: bytes) -> None:
        """Send this soon, without waiting; dropped if the connection is closing."""

    def write_now(self, wire: bytes) -> None:
        """Send this, and before it what still waits; dropped if the connection is closing."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Begin the closing handshake after what was written."""

    def pause(self) -> None:
        """Take nothing from the client until `resume`."""

    def resume(self) -> None:
        """Go on after `pause`."""


class Session:
    """One client: nobody until `enter`, then a person in the room."""

    def __init__(self, outlet: Outlet) -> None:
        self.person: Person | None = None
        self.entering = False
        """Whether a login is being verified."""
        self.challenge = secrets.token_hex(16)
        """What the proof of a login on this connection has to cover."""
        self.status = ONLINE
        self.dnd = False
        self.address = ""
        """What the connection counts for, see `Limiter.address`."""
        self.turns = Turns(outlet)
        self._outlet = outlet
        self._entered_at = 0
        self._asked = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.caught_up = False
        """Whether what was missed has been sent."""
        self.deliver: Callable[[bytes], None] = self._hold
        """Sends publications, now or after what comes before them; called for each person and message."""

    def enter(self, person: Person) -> None:
        """Log in; from here on publications are held until `release`, so that what was missed comes first."""
        self.person = person
        self._entered_at = int(time.time())

    def who_entry(self, person: Person) -> WhoEntry:
        """This session in the who list."""
        return WhoEntry(person.name, self._entered_at, self.status, dnd=self.dnd)

    @property
    def someone(self) -> Person:
        """The person; Refusal if nobody is logged in."""
        if self.person is None:
            raise Refusal(ErrorCode.NOT_LOGGED_IN, "Log in first.")
        return self.person

    @property
    def unsent(self) -> int:
        """Bytes that the client has left unread in this process."""
        return self._outlet.unsent

    @property
    def turn(self) -> Turn:
        """Whose turn it is when this session reads: sessions of one address share one."""
        return Turn(self.address or id(self), id(self))

    def send(self, frame: Frame) -> None:
        """Send a frame to this client alone."""
        self._outlet.write(framed(frame))

    def write_now(self, wire: bytes) -> None:
        """Send what `framed` made, at once."""
        self._outlet.write_now(wire)

    def release(self) -> None:
        """Send what was held, and from here on everything at once."""
        for wire in self._held:
            self._outlet.write(wire)
        self._held.clear()
        self.caught_up = True
        self.deliver = self._outlet.write_now

    def _hold(self, wire: bytes) -> None:
        if self._held_bytes > MAX_HELD_BYTES:
            return
        self._held_bytes += len(wire)
        self._held.append(wire)
        if self._held_bytes > MAX_HELD_BYTES:
            # The client resumes from what it has seen, so nothing is lost.
            self._held.clear()
            self.close(CloseCode.TRY_AGAIN_LATER, HELD_TOO_MUCH, reconnect=True)

    def error(self, code: ErrorCode, message: str, nonce: str | None = None) -> None:
        """Tell the client that what it asked was not done, and why."""
        self.send(Error(message, code, CHAT_SERVER, nonce))

    def notice(self, channel: str, message: str) -> None:
        """Say a line of the server's own in a channel."""
        self.send(Error(message, ErrorCode.NOTICE, CHAT_SERVER, channel=channel))

    def asked(self) -> None:
        """Count something that will be answered later."""
        self._asked += 1
        if self._asked == MAX_ASKED:
            self._outlet.pause()

    def answered(self) -> None:
        """Count the answer to something that was `asked`."""
        self._asked -= 1
        if self._asked == MAX_ASKED - 1:
            self._outlet.resume()

    def close(self, code: CloseCode, why: str, *, reconnect: bool) -> None:
        """Tell the client why, then close its connection; what it sent before and waits yet is not done any more."""
        self.stop()
        self.send(Disconnect(why, code, reconnect))
        self._outlet.close(code, why)

    def drop_when_gone(self, task: "asyncio.Task[None]") -> None:
        """Cancel this task at `stop`, unless it is done by then."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Drop what waits for its turn and what is read for the client: it is gone, or told to go."""
        self.turns.stop()
        for task in self._tasks:
            task.cancel()
