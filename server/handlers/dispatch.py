"""The room: takes frames of sessions to their handlers, and answers for what goes wrong on the way."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from msgspec import structs

from server.pacing.limiter import Allowance, Limiter
from server.protocol.codec import BadFrame, decode_client
from server.protocol.codes import CUT, CloseCode, ErrorCode
from server.protocol.frames import ClientFrame, Relations, Welcome
from server.reporting.desk import Reports
from server.room.hub import Hub
from server.room.session import Session
from server.rules.messages import Person
from server.rules.refusal import Refusal
from server.settings import PublicChannel, Secret
from server.storage.base import Broker, Reader, StorageError
from server.storage.people import Company
from server.webhooks.profiles import Profiles

log = logging.getLogger(__name__)

NO_STORAGE = "The server cannot reach its storage now. Nothing was sent; try again in a moment."
DISK_LOW = "The server's disk is nearly full, so it takes no messages. Try again later."
UNCERTAIN = {CUT, CloseCode.INTERNAL_ERROR}
"""Ends of connections of which nobody answered the last word: cut, or no answer to a ping."""
FAULT = "Something went wrong in the server; its operator finds what in the log."


class Handler(NamedTuple):
    """What is done about a frame, whether only people who are logged in may send it, and what it counts as."""

    handle: Callable[["Room", Session, ClientFrame], None]
    logged_in: bool
    allowance: Allowance | None
    pages: Callable[[ClientFrame], float] | None = None
    """The pages that the server reads for it."""
    stored: Callable[[ClientFrame], int] | None = None
    """The bytes that it leaves on the disk."""


@dataclass
class Room:
    """Everything that handlers work with; takes what comes over connections."""

    handlers: Mapping[type[object], Handler]
    welcome: Welcome
    channels: Sequence[PublicChannel]
    allowed_origins: Sequence[str]
    broker: Broker
    company: Company
    reports: Reports | None
    profiles: Profiles | None
    hub: Hub
    limiter: Limiter
    compression: bool = False
    """Of connections that begin from now on."""
    allowed_hosts: Collection[str] = ()
    """Names by which HTTP requests may call the server, see `rules.hosts`."""
    site_key: Secret | None = None
    """By which the site proves itself."""
    ending: bool = False
    """Nothing more is taken in; clients send it again once they are back."""
    disk_low: bool = False
    """Messages are refused."""
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.broker.subscribe(self.hub.deliver)

    def refused(self, status: int) -> None:
        """Count a connection that was refused with this HTTP status; 0: closed without an answer."""
        self.hub.traffic.refused[status] += 1

    def opened(self, session: Session) -> None:
        """Tell a new client what it needs to draw itself, and challenge it to prove who it is."""
        session.send(structs.replace(self.welcome, challenge=session.challenge))

    def received(self, session: Session, data: bytes) -> None:
        """Do what a frame asks, in its turn; whatever is wrong is answered, and the connection lives on."""
        if self.ending:
            return
        try:
            frame = decode_client(data)
        except BadFrame as error:
            self.hub.traffic.unknown += 1
            session.error(error.code, str(error), error.nonce)
            return
        self.hub.traffic.frames[type(frame)] += 1
        handler = self.handlers[type(frame)]
        nonce: str | None = getattr(frame, "nonce", None)
        try:
            wait = self._wait(session, handler, frame)
        except Refusal as refusal:
            self.failed(session, nonce, refusal)
        else:
            session.turns.take(wait, partial(self._handle, session, handler, frame, nonce))

    def _wait(self, session: Session, handler: Handler, frame: ClientFrame) -> float:
        """The seconds for which a frame of this kind is held. Refusal if it may not be sent at all."""
        if not handler.logged_in:
            return 0.0
        identity, wait = session.someone.identity, 0.0
        if handler.allowance:
            wait = self.limiter.spend(handler.allowance, identity)
        if handler.pages:
            wait = max(wait, self.limiter.read(identity, session.address, handler.pages(frame)))
        if handler.stored:
            self.limiter.store(identity, session.address, handler.stored(frame))
        return wait

    def _handle(self, session: Session, handler: Handler, frame: ClientFrame, nonce: str | None) -> None:
        try:
            handler.handle(self, session, frame)
        except Exception as error:
            self.failed(session, nonce, error)

    def closed(self, session: Session, code: int) -> None:
        """Tell the others that somebody left."""
        self.hub.traffic.closed[code] += 1
        session.stop()
        if person := self.hub.leave(session):
            # Of a connection that broke, nobody knows what was read: its direct messages come once more at a login that
            # names no last message. The same holds for one that has not caught up.
            unknown = code in UNCERTAIN or not session.caught_up
            self.company.left(person, 0 if unknown else self.broker.delivered)

    def start(
        self, session: Session, work: Coroutine[None, None, None], nonce: str | None, *, lasting: bool = False
    ) -> None:
        """Do what takes time apart from the reader of the session, and answer for its failure.

        It is dropped when the session is gone, unless it is `lasting`: it has something to store.
        """
        session.asked()
        task = asyncio.create_task(work)
        self.tasks.add(task)
        if not lasting:
            session.drop_when_gone(task)
        task.add_done_callback(partial(self._finished, session, nonce))

    def _finished(self, session: Session, nonce: str | None, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        session.answered()
        self.failed(session, nonce, None if task.cancelled() else task.exception())

    def failed(self, session: Session, nonce: str | None, error: BaseException | None) -> None:
        """Answer for what went wrong, if anything did."""
        if isinstance(error, Refusal):
            session.error(error.code, error.message, nonce)
        elif isinstance(error, StorageError):
            log.error("the storage failed", extra={"error": str(error)})
            session.error(ErrorCode.STORAGE, NO_STORAGE, nonce)
        elif error:
            log.error("a handler failed", exc_info=error)
            session.error(ErrorCode.INTERNAL, FAULT, nonce)

    async def drain(self) -> None:
        """Take nothing more in, and wait for what is under way; when cancelled, what is late is given up."""
        self.ending = True
        try:
            if self.tasks:
                await asyncio.wait(self.tasks)
        finally:
            for task in self.tasks:
                task.cancel()

    def announce(self, welcome: Welcome) -> None:
        """Welcome everyone by this from here on, and those who are here at once if it says something new."""
        if welcome != self.welcome:
            self.welcome = welcome
            for session in self.hub.sessions.values():
                session.send(welcome)

    def reader(self, session: Session) -> Reader:
        """The person of a session, and whose messages they are not shown."""
        person = session.someone
        return Reader(person, self.company.relations.hidden_to(person.identity), session.turn)

    def check_disk(self) -> None:
        """Refusal if the disk is nearly full: what is left is for reports and their deliveries."""
        if self.disk_low:
            raise Refusal(ErrorCode.STORAGE, DISK_LOW)

    def relations_of(self, person: Person) -> Relations:
        """Whom a person does not read, as they are told."""
        wants = self.company.relations.of(person.identity)
        return Relations(
            [relation.other_name for relation in wants if not relation.blocked],
            [relation.other_name for relation in wants if relation.blocked],
        )

    def channel(self, channel_id: str) -> PublicChannel:
        """The public channel of this ID, or a Refusal."""
        for channel in self.channels:
            if channel.id == channel_id:
                return channel
        raise Refusal(ErrorCode.UNKNOWN_CHANNEL, "There is no such channel.")
