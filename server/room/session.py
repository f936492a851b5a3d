"""A person's state on one connection, to which it sends frames through the Outlet interface."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Protocol

from websockets.frames import Frame as WebsocketFrame
from websockets.frames import Opcode

from server.pacing.delay_queue import DelayQueue
from server.protocol.codec import encode
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import CHAT_SERVER, Disconnect, Error, Frame, WhoEntry
from server.rules.dialects import FLAGPOST, Dialect
from server.rules.messages import Person
from server.rules.ranks import Rank, rank_of
from server.rules.refusal import Refusal
from server.rules.statuses import HIDDEN, ONLINE
from server.rules.tokens import NO_CLAIMS, Claims
from server.storage.fair import QueueKey

MAX_PENDING_REQUESTS = 256
"""Maximum number of unanswered requests; beyond it, reading from the connection is paused."""

MAX_BUFFERED_BYTES = 256 * 1024
"""Maximum buffer for a client that is catching up: as much as a client may leave unread."""
DRAINED_BYTES = 32 * 1024
"""Number of unread bytes up to which a client counts as having read nearly everything."""
DRAIN_SECONDS = 0.02
"""Interval between checks of whether a client has read enough to receive more."""
BUFFER_OVERFLOW = "Too many messages arrived while you were catching up; reconnect to load them."


def framed(frame: Frame) -> bytes:
    """Encode a frame as one websocket message. Its bytes can be shared by all recipients."""
    return WebsocketFrame(Opcode.TEXT, encode(frame)).serialize(mask=False)


class Outlet(Protocol):
    """The part of a connection that its session uses."""

    @property
    def unsent(self) -> int:
        """Bytes that the client has left unread in this process."""

    def write(self, wire: bytes) -> None:
        """Send framed bytes soon, without blocking. They are dropped if the connection is closing."""

    def write_now(self, wire: bytes) -> None:
        """Send what is queued, then these framed bytes. They are dropped if the connection is closing."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Start the closing handshake after everything written so far."""

    def pause(self) -> None:
        """Stop reading from the client until `resume`."""

    def resume(self) -> None:
        """Undo one `pause`."""


class Session:
    """The state of one client: anonymous until `log_in`, then a person in the room."""

    def __init__(self, outlet: Outlet) -> None:
        self.person: Person | None = None
        self.rank = Rank.PERSON
        """The person's current rights; an operator can change them."""
        self.claims: Claims | None = None
        """The claims of a member's token; None for a guest."""
        self.verifying = False
        """A login is being verified."""
        self.challenge = secrets.token_hex(16)
        """Random text that a login proof on this connection must cover."""
        self.dialect: Dialect = FLAGPOST
        """The frames that the client expects, as determined by its login."""
        self.status = ONLINE
        self.dnd = False
        self.place = 0
        """Number of the session's place in a room that several servers share."""
        self.address = ""
        """Rate-limit key of the connection, see `Limiter.client_key`."""
        self.delay_queue = DelayQueue(outlet)
        self.ended = False
        """The client has left or is being disconnected."""
        self.caught_up = False
        """Everything that the user missed has been sent."""
        self.deliver: Callable[[bytes], None] = self._buffer_wire
        """Sends publications: buffered until `release`, then at once. An attribute because it is the hot path."""
        self._outlet = outlet
        self._explained = False
        self._entered_at = self._pending_requests = self._buffered_bytes = 0
        self._buffered: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def begin_login(self, claims: Claims | None, *, dnd: bool) -> None:
        """Set what others will see of the person, whose name is not granted yet."""
        self._entered_at = int(time.time())
        self.dnd = dnd
        self.set_claims(claims)

    def log_in(self, person: Person) -> None:
        """Set the person who has logged in. Publications are buffered until `release`: missed messages come first."""
        self.person = person

    def set_claims(self, claims: Claims | None) -> None:
        """Set the claims of the person, and the rank that follows from them."""
        self.claims = claims
        self.set_rank(rank_of(op=claims.op, vip=claims.vip) if claims else self.rank)

    def set_rank(self, rank: Rank) -> None:
        """Set the person's rank. Only operators can be hidden."""
        self.rank = rank
        if self.is_hidden and rank is not Rank.OPERATOR:
            self.status = ONLINE

    def who_entry(self, person: Person) -> WhoEntry:
        """Return this session's entry in the who list."""
        said = self.claims or NO_CLAIMS
        return WhoEntry(
            person.name,
            self._entered_at,
            self.status,
            op=self.rank is Rank.OPERATOR,
            dnd=self.dnd,
            vip=said.vip,
            nickname=said.nick,
            avatar=said.img,
            profile_url=said.url,
            emoji=said.emoji,
            gender=said.gender,
        )

    @property
    def is_hidden(self) -> bool:
        """Return whether only operators see this person."""
        return self.status == HIDDEN

    @property
    def is_member(self) -> bool:
        """Return whether the person signed in as a member of the site."""
        return self.claims is not None

    @property
    def logged_in_person(self) -> Person:
        """The person who is logged in. Raises Refusal if nobody is."""
        if self.person is None:
            raise Refusal(ErrorCode.NOT_LOGGED_IN, "Log in first.")
        return self.person

    @property
    def unsent(self) -> int:
        """Bytes written for the client that it has not read yet."""
        return self._outlet.unsent

    @property
    def queue_key(self) -> QueueKey:
        """Scheduling key of this session's reads; sessions from one address are scheduled as one."""
        return QueueKey(self.address or id(self), id(self))

    async def drained(self) -> None:
        """Wait until the client has read nearly everything; cancelled when the session ends."""
        while self.unsent > DRAINED_BYTES:  # noqa: ASYNC110 - rare, and the transport reports only that it is too full
            await asyncio.sleep(DRAIN_SECONDS)

    def send(self, frame: Frame) -> None:
        """Send a frame to this client only."""
        self._outlet.write(framed(frame))

    def write(self, wire: bytes) -> None:
        """Send bytes made by `framed`, together with everything else of this turn of the event loop."""
        self._outlet.write(wire)

    def write_now(self, wire: bytes) -> None:
        """Send bytes made by `framed` at once."""
        self._outlet.write_now(wire)

    def release(self) -> None:
        """Send what was buffered; later publications are sent at once."""
        for wire in self._buffered:
            self._outlet.write(wire)
        self._buffered.clear()
        self.caught_up = True
        self.deliver = self._outlet.write_now

    def _buffer_wire(self, wire: bytes) -> None:
        if self._buffered_bytes > MAX_BUFFERED_BYTES:
            return
        self._buffered_bytes += len(wire)
        self._buffered.append(wire)
        if self._buffered_bytes > MAX_BUFFERED_BYTES:
            # The client resumes after the last message it has seen, so nothing is lost.
            self._buffered.clear()
            self.close(CloseCode.TRY_AGAIN_LATER, BUFFER_OVERFLOW, reconnect=True)

    def error(self, code: ErrorCode, message: str, nonce: str | None = None) -> None:
        """Send an error that says why a request failed."""
        self.send(Error(message, code, CHAT_SERVER, nonce))

    def unknown_action(self, message: str, nonce: str | None) -> None:
        """Reject an unknown action. A BareRTC client, which sends several, receives only one error."""
        if self.dialect.explained or not self._explained:
            self.error(ErrorCode.UNKNOWN_ACTION, message, nonce)
        self._explained = True

    def notice(self, channel: str, message: str) -> None:
        """Send a line from the server itself to a channel."""
        self.send(Error(message, ErrorCode.NOTICE, CHAT_SERVER, channel=channel))

    def request_started(self) -> None:
        """Count a request that will be answered later."""
        self._pending_requests += 1
        if self._pending_requests == MAX_PENDING_REQUESTS:
            self._outlet.pause()

    def request_finished(self) -> None:
        """Count the answer to a request counted by `request_started`."""
        self._pending_requests -= 1
        if self._pending_requests == MAX_PENDING_REQUESTS - 1:
            self._outlet.resume()

    def close(self, code: CloseCode, why: str, *, reconnect: bool) -> None:
        """Send the reason, then close the connection. Delayed requests are dropped."""
        self.stop()
        self.send(Disconnect(why, code, reconnect))
        self._outlet.close(code, why)

    def cancel_on_stop(self, task: "asyncio.Task[None]") -> None:
        """Cancel this task at `stop` if it is still running."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Drop delayed requests and cancel reads: the client has left or is being disconnected."""
        self.ended = True
        self.delay_queue.stop()
        for task in self._tasks:
            task.cancel()
