"""Dispatches frames from sessions to their handlers, and answers with an error when a handler fails."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

from msgspec import structs

from server.handlers.live import Live
from server.pacing.limiter import Allowance, Limiter
from server.protocol import names
from server.protocol.codec import BadFrame, decode_client
from server.protocol.codes import CUT, CloseCode, ErrorCode
from server.protocol.frames import ClientFrame, Frame, Relations
from server.room.elsewhere import Elsewhere
from server.room.hub import Hub
from server.room.presence import Attendance, Exit
from server.room.session import Session
from server.rules.link_spam import LinkCounter
from server.rules.messages import MessageAccess
from server.rules.ranks import Rank
from server.rules.refusal import Refusal
from server.rules.relations import MAX_RELATIONS
from server.rules.visibility import GONE
from server.settings import PublicChannel
from server.storage.base import Reader, StorageError
from server.storage.broker import Broker
from server.storage.people import People
from server.websocket.handler import ConnectionPolicy

log = logging.getLogger(__name__)

Stored = TypeVar("Stored")

NO_STORAGE = "The server's storage is unavailable. Nothing was done; try again in a moment."
DISK_LOW = "The server's disk is nearly full, so it accepts no messages. Try again later."
UNCERTAIN = {CUT, CloseCode.INTERNAL_ERROR}
"""Close codes of connections that ended without a closing handshake: cut, or no answer to a ping."""
SIGN_IN_CHANGED = "The sign-in settings of this server have changed. Open the chat from your site again."
FAULT = "Internal server error. Try again. If it persists, tell the administrator; the server's log has the details."


class Handler(NamedTuple):
    """An entry of the table of handlers: the function, whether it requires a login, and its costs."""

    handle: Callable[["Dispatcher", Session, ClientFrame], None]
    logged_in: bool
    allowance: Allowance | None
    pages: Callable[[ClientFrame], float] | None = None
    """Pages that the server reads for a frame."""
    stored: Callable[[ClientFrame], int] | None = None
    """Bytes that the server stores for a frame."""


@dataclass(kw_only=True)
class Dispatcher:
    """Passes frames from connections to handlers, and holds everything that handlers need."""

    handlers: Mapping[type[object], Handler]
    live: Live
    broker: Broker
    people: People
    hub: Hub
    presence: Attendance
    limiter: Limiter
    links: LinkCounter = field(default_factory=LinkCounter)
    draining: bool = False
    """The server is shutting down: frames are ignored, and clients resend them after reconnecting."""
    fenced: bool = False
    """The other servers of the room have removed this one, so it must not store anything."""
    cut_off: bool = False
    """The database that the servers share does not answer: clients are sent to other servers."""
    disk_low: bool = False
    """The disk is nearly full: messages are refused."""
    reconfigure: Callable[[], str] = lambda: "This server has no settings file to reload."
    """Reloads the settings, and returns the result in words."""
    shut_down: Callable[[], None] = lambda: None
    """Starts the shutdown of the server."""
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.broker.subscribe(self.hub.deliver)
        self.hub.configure(self.live.vip_channels, vip_secret=self.live.vip_secret)

    @property
    def policy(self) -> ConnectionPolicy:
        """Current settings for new connections."""
        return self.live.policy

    def on_refused(self, status: int) -> None:
        """Count a connection refused with this HTTP status; 0 if it was closed without a response."""
        self.hub.traffic.refused[status] += 1

    def on_open(self, session: Session) -> None:
        """Send the welcome: what a client needs before login, and the challenge that its login proof must cover."""
        session.send(structs.replace(self.live.welcome, challenge=session.challenge))

    def on_message(self, session: Session, data: bytes) -> None:
        """Handle a frame, delayed if it exceeds the rate. Errors are sent to the client; the connection stays open."""
        if self.draining:
            return
        if session.delay_queue.held:
            session.delay_queue.schedule(0, partial(self.on_message, session, data))
            return
        try:
            frame = decode_client(data)
        except BadFrame as error:
            self.hub.traffic.unknown += 1
            if error.code is ErrorCode.UNKNOWN_ACTION:
                session.unknown_action(str(error), error.nonce)
            else:
                session.error(error.code, str(error), error.nonce)
            return
        self.hub.traffic.frames[type(frame)] += 1
        handler = self.handlers[type(frame)]
        nonce: str | None = getattr(frame, "nonce", None)
        try:
            wait = self._charge(session, handler, frame)
        except Refusal as refusal:
            self.answer_failure(session, nonce, refusal)
        else:
            session.delay_queue.schedule(wait, partial(self._handle, session, handler, frame, nonce))

    def _charge(self, session: Session, handler: Handler, frame: ClientFrame) -> float:
        """Charge a frame and return the seconds to delay it. Raises Refusal if it is not allowed."""
        if not handler.logged_in:
            return 0.0
        identity, wait = session.logged_in_person.identity, 0.0
        # Each server counts on its own: a person who is on several is charged that many times as much on each.
        nodes = self.hub.nodes_of(identity)
        if handler.allowance:
            wait = self.limiter.count_action(handler.allowance, identity, nodes)
        if handler.pages:
            wait = max(wait, self.limiter.count_read(identity, session.address, handler.pages(frame), nodes))
        if handler.stored:
            self.limiter.count_stored(identity, session.address, handler.stored(frame), nodes=nodes)
        return wait

    def _handle(self, session: Session, handler: Handler, frame: ClientFrame, nonce: str | None) -> None:
        try:
            handler.handle(self, session, frame)
        except Exception as error:
            self.answer_failure(session, nonce, error)

    def on_close(self, session: Session, code: int) -> None:
        """Remove the session of a closed connection, and announce to everyone else that its user left."""
        self.hub.traffic.closed[code] += 1
        session.stop()
        self._leave(session, code, GONE)

    def leave(self, session: Session) -> None:
        """Remove a session whose connection was closed while its user entered the room."""
        self._leave(session, CUT, GONE)

    def join(self, session: Session) -> Session | None:
        """Add a session to the room. Return the session on this server that had its name until now, or None."""
        person = session.logged_in_person
        before = self.hub.sessions.get(names.key(person.name))
        if before and before.logged_in_person.identity != person.identity:
            self._leave(before, CloseCode.REPLACED, GONE)
        self.hub.join(session, person)
        return before

    def end(self, session: Session, code: CloseCode, why: str, announced: str = GONE) -> None:
        """End a session whose client must not reconnect: its user leaves the room at once."""
        session.close(code, why, reconnect=False)
        self._leave(session, code, announced)

    def _leave(self, session: Session, code: int, announced: str) -> None:
        person = self.hub.leave(session, announced)
        if person and not self.fenced:
            # It is not known what the client of a broken connection has received, so its direct messages are sent again
            # at a login without a last message. The same applies to a session that has not caught up.
            unknown = code in UNCERTAIN or not session.caught_up
            last_message = 0 if unknown else self.broker.delivered
            self.presence.leave(session, person, Exit(last_message, announced, returns=self.draining))

    def start_task(
        self, session: Session, work: Coroutine[None, None, None], nonce: str | None, *, lasting: bool = False
    ) -> None:
        """Run slow work as a task, and send an error to the client if it fails.

        The task is cancelled when the session ends, unless it is `lasting` because it stores something.
        """
        session.request_started()
        task = asyncio.create_task(work)
        self.tasks.add(task)
        if not lasting:
            session.cancel_on_stop(task)
        task.add_done_callback(partial(self._finished, session, nonce))

    def _finished(self, session: Session, nonce: str | None, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        session.request_finished()
        self.answer_failure(session, nonce, None if task.cancelled() else task.exception())

    def when_stored(
        self,
        session: Session,
        stored: "asyncio.Future[Stored]",
        done: Callable[[Stored], None] = lambda _: None,
        nonce: str | None = None,
    ) -> None:
        """Call `done` with the result of a write, or send the client an error (with `nonce`) if it fails."""

        def finished(future: "asyncio.Future[Stored]") -> None:
            session.request_finished()
            if future.cancelled():
                return
            self.answer_failure(session, nonce, future.exception())
            if not future.exception():
                done(future.result())

        session.request_started()
        stored.add_done_callback(finished)

    def answer_failure(self, session: Session, nonce: str | None, error: BaseException | None) -> None:
        """Send the client an error if there was an exception of which the user must know."""
        if self.fenced:
            return
        if isinstance(error, Refusal):
            session.error(error.code, error.message, nonce)
        elif isinstance(error, StorageError):
            log.error("storage failed", extra={"error": str(error)})
            session.error(ErrorCode.STORAGE, NO_STORAGE, nonce)
        elif error:
            log.error("a handler failed", exc_info=error)
            session.error(ErrorCode.INTERNAL, FAULT, nonce)

    async def drain(self) -> None:
        """Ignore new frames and wait for running tasks. If cancelled, cancel the tasks that are still running."""
        self.draining = True
        try:
            if self.tasks:
                await asyncio.wait(self.tasks)
        finally:
            for task in self.tasks:
                task.cancel()

    def show_change(self, session: Session, *, was_hidden: bool) -> None:
        """Show everyone a person's current entry in the who list; `was_hidden` is from before the change."""
        self.hub.show_change(session, was_hidden=was_hidden)
        self.presence.show_change(session, was_hidden=was_hidden)

    def notify(self, identity: str, frame: Frame, but: Session | None = None, *, lossy: bool = False) -> None:
        """Send a frame to all sessions of a person except `but`, on all servers. A `lossy` frame may be lost."""
        for each in self.hub.sessions_of(identity):
            if each is not but:
                each.send(frame)
        self.presence.send(identity, frame, lossy=lossy)

    def go_live(self, live: Live) -> None:
        """Switch to these values. Send a changed welcome, and disconnect members whose tokens are now invalid."""
        before, self.live = self.live, live
        self.hub.configure(live.vip_channels, vip_secret=live.vip_secret)
        changed = {rank for rank in Rank if live.welcome_for(rank) != before.welcome_for(rank)}
        for session in self.hub.sessions.values():
            if session.rank in changed:
                session.send(live.welcome_for(session.rank))
        if before.sign_in.enabled and not before.sign_in.signs_like(live.sign_in):
            for session in [each for each in self.hub.sessions.values() if each.claims]:
                self.end(session, CloseCode.SIGN_IN, SIGN_IN_CHANGED)

    def reader(self, present: Session | Elsewhere) -> Reader:
        """Return the Reader for a user: their channels, and the people whose messages are hidden from them."""
        person = present.logged_in_person
        channels = [channel.id for channel in self.live.channels_for(present.rank)]
        return Reader(person, channels, self.people.relations.hidden_to(person.identity), present.queue_key)

    def check_disk(self) -> None:
        """Raise Refusal if the disk is nearly full: the remaining space is reserved for reports and deliveries."""
        if self.disk_low:
            raise Refusal(ErrorCode.STORAGE, DISK_LOW)

    def relations_frame(self, identity: str) -> Relations:
        """Return the frame that lists the people a user has muted and blocked."""
        # Lists from an earlier version may exceed the limit.
        wants = [*self.people.relations.of(identity)][-MAX_RELATIONS:]
        return Relations(
            [relation.other_name for relation in wants if not relation.blocked],
            [relation.other_name for relation in wants if relation.blocked],
        )

    def access(self, session: Session) -> MessageAccess:
        """Return the limits of the user's access to messages."""
        blocked = self.people.relations.blocked_with(session.logged_in_person.identity)
        closed = self.live.vip_channels if session.rank < Rank.VIP else frozenset[str]()
        return MessageAccess(blocked, closed, session.rank is Rank.OPERATOR)

    def channel(self, session: Session, channel_id: str) -> PublicChannel:
        """Return the channel with this ID. Raises Refusal if it does not exist, or if the user may not read it."""
        for channel in self.live.channels_for(session.rank):
            if channel.id == channel_id:
                return channel
        raise Refusal(ErrorCode.UNKNOWN_CHANNEL, "There is no channel with this ID.")
