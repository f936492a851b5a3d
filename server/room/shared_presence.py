"""Places in a room that several servers share: claimed in the database, and announced to all servers by events."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import NamedTuple

from server.protocol.codec import encode
from server.protocol.frames import Frame
from server.room.elsewhere import Elsewhere
from server.room.hub import Hub
from server.room.presence import Attendance, Digests, Exit, NameClaim, end_replaced
from server.room.session import Session
from server.rules.messages import Person
from server.rules.visibility import GONE
from server.settings import digests
from server.storage import people, presence
from server.storage.base import Joined
from server.storage.database import Database
from server.storage.events import (
    EntryChanged,
    Event,
    FrameSent,
    NodeGone,
    NodeOpened,
    PersonEntered,
    PersonExited,
    RoomRequest,
    RoomRequested,
)
from server.storage.journal import Kind, one_by_one
from server.storage.people import People
from server.storage.presence import Outdated, PlaceRequest
from server.storage.sql import SqlConnection

DIFFERENT = "settings differ from those of another server of the room; give all servers the same ones, and reload them"

log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    """A claim that the database has not granted yet, under the name that was chosen."""

    claim: NameClaim
    person: Person
    joined: "asyncio.Future[Joined]"


class SharedAttendance(Attendance):
    """An Attendance that grants a name once this server receives the event that its claim was stored."""

    shared = True

    def __init__(self, database: Database, people: People, hub: Hub) -> None:
        super().__init__(people)
        self._database = database
        self._hub = hub
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        """Claims by the number of the session in the room."""
        self._queued: list[NameClaim] = []
        """Claims whose names are chosen after the waiting ones are answered. Choosing late makes rejections rarer."""
        self._outdated: list[tuple[int, NameClaim]] = []
        """Claims to repeat once this server knows which names have come into use."""
        self._known = 0
        """The latest `PersonEntered.number` received from another server."""
        self._noticed = 0
        """The latest number for which a claim was rejected. Used only on the writer thread."""
        self._backlog: list[Callable[[], None]] | None = None
        """Events received while the people on other servers are being loaded."""
        self._opened = False
        self._settings: Digests = {}
        database.hear(NodeOpened, self._on_opened)
        self._hear(PersonEntered, self._on_entered)
        self._hear(EntryChanged, self._on_changed)
        self._hear(PersonExited, self._on_exited)
        self._hear(NodeGone, self._on_gone)

    async def open(self, settings: Digests) -> None:
        """See Attendance."""
        self._settings = settings
        opened = NodeOpened(self._database.node, settings)
        others = await self._database.write(partial(presence.open_node, opened))
        self._known = others.names_changed
        for each in others.people:
            self._enter(each)
        for node, theirs in others.settings.items():
            self._compare(node, theirs)
        backlog, self._backlog, self._opened = self._backlog or [], None, True
        for handle in backlog:
            handle()

    def set_settings(self, settings: Digests) -> None:
        """See Attendance."""
        self._settings = settings
        self._database.write_aside(partial(presence.set_settings, NodeOpened(self._database.node, settings)))

    def claim(self, claim: NameClaim) -> None:
        """See Attendance. Later frames of the session wait until the name is granted."""
        claim.session.delay_queue.hold()
        self._queued.append(claim)
        self._claim_next()

    def _claim_next(self) -> None:
        if not self._waiting:
            queued, self._queued = self._queued, []
            for claim in queued:
                try:
                    self._claim(claim)
                except Exception as error:
                    claim.failed(error)

    def _claim(self, claim: NameClaim) -> None:
        session = claim.session
        person = None if session.ended else claim.choose()
        if person is None:
            session.delay_queue.release()
            return
        number = next(self._numbers)
        self._waiting[number] = _Waiting(claim, person, asyncio.get_running_loop().create_future())
        self._people.reservations.claim(person)
        entry = session.who_entry(person)
        node, known = self._database.node, self._known
        request = PlaceRequest(
            person=person,
            node=node,
            session=number,
            entry=entry,
            rank=session.rank,
            member=claim.member,
            returns=claim.returns,
            known=known,
        )
        self._database.write(partial(self._enter_room, request)).add_done_callback(partial(self._answered, number))

    def _enter_room(self, request: PlaceRequest, connection: SqlConnection) -> Joined | Outdated:
        """Claim a place, on the writer thread. Of several outdated claims, only the first queries the database."""
        if self._noticed > request.known:
            return Outdated(self._noticed)
        result = presence.enter(request, connection)
        if isinstance(result, Outdated):
            self._noticed = result.number
        return result

    def _answered(self, number: int, done: "asyncio.Future[Joined | Outdated]") -> None:
        """Handle the answer of the database. The event of a granted name was received before it."""
        claim, person, joined = self._waiting.pop(number)
        self._people.reservations.release(person)
        if error := done.exception():
            claim.failed(error)
        elif isinstance(result := done.result(), Outdated):
            self._outdated.append((result.number, claim))
            self._claim_again()
        elif not joined.done():
            # Otherwise the session has ended, and the task that waited was cancelled.
            joined.set_result(result)
        self._claim_next()

    def _claim_again(self) -> None:
        """Repeat the outdated claims for which this server now knows the names that have come into use."""
        self._queued += [claim for number, claim in self._outdated if number <= self._known]
        self._outdated = [each for each in self._outdated if each[0] > self._known]
        self._claim_next()

    def leave(self, session: Session, person: Person, left: Exit) -> None:
        """See Attendance. At a restart, places are not released: people reconnect, and should not appear to leave."""
        if left.returns:
            self._database.write_aside(partial(people.leave, person, left.last_message))
            return
        exited = PersonExited(person, self._database.node, session.place, left.why)
        self._release_name(person)
        self._database.write_aside(partial(presence.leave, exited, left.last_message))

    def show_change(self, session: Session, *, was_hidden: bool) -> None:
        """See Attendance."""
        person = session.logged_in_person
        place = person, self._database.node, session.place
        changed = EntryChanged(*place, session.who_entry(person), session.rank, was_hidden)
        self._database.write_aside(partial(presence.change, changed))

    def announce(self, event: Event) -> None:
        """See Attendance."""
        self._database.write_aside(partial(_announce, event))

    def send(self, identity: str, frame: Frame, *, lossy: bool = False) -> None:
        """See Attendance."""
        if self._hub.others_of(identity):
            sent = FrameSent(identity, encode(frame).decode(), self._database.node)
            (self._database.announce_aside if lossy else self.announce)(sent)

    def request(self, request: RoomRequest) -> None:
        """See Attendance."""
        self.announce(RoomRequested(request, self._database.node))

    def waiting(self) -> list[Session]:
        """See Attendance."""
        claims = [each.claim for each in self._waiting.values()] + [claim for _, claim in self._outdated]
        return [claim.session for claim in (*claims, *self._queued)]

    def _hear(self, kind: type[Kind], on: Callable[[Kind], None]) -> None:
        """Call `on` for events of a kind, from the moment when this server joins the room."""

        def hear(event: Kind) -> None:
            if self._backlog is not None:
                self._backlog.append(partial(on, event))
            elif self._opened:
                on(event)

        self._database.hear(kind, one_by_one(hear))

    def _on_opened(self, events: Sequence[NodeOpened]) -> None:
        for event in events:
            if event.node != self._database.node:
                self._compare(event.node, event.settings)
            elif not self._opened:
                self._backlog = []

    def _compare(self, node: str, settings: Digests) -> None:
        if keys := digests.different(self._settings, settings):
            log.warning(DIFFERENT, extra={"node": node, "keys": keys})

    def _on_entered(self, entered: PersonEntered) -> None:
        if entered.node != self._database.node:
            self._known = max(self._known, entered.number)
            self._enter(entered)
            self._claim_again()
        elif waiting := self._waiting.get(entered.session):
            self._grant(waiting, entered)
        else:
            # The database reported an error although it had stored the claim.
            exited = PersonExited(entered.person, entered.node, entered.session, GONE)
            self._database.write_aside(partial(presence.leave, exited, 0))

    def _grant(self, waiting: _Waiting, entered: PersonEntered) -> None:
        session = waiting.claim.session
        self._release_holder(entered.person)
        self._people.reservations.joined(entered.person, self._database.now(), returns=waiting.claim.returns)
        session.place = entered.session
        waiting.claim.granted(waiting.person, waiting.joined)
        session.delay_queue.release()

    def _enter(self, entered: PersonEntered) -> None:
        """List a person on another server, in place of the previous holder of the name."""
        self._release_holder(entered.person)
        self._people.reservations.joined(entered.person, self._database.now(), returns=False)
        if replaced := self._hub.enter(Elsewhere(entered)):
            end_replaced(replaced, entered.person)

    def _release_holder(self, person: Person) -> None:
        """Release the name under which this person enters, if somebody in the room holds it."""
        if before := self._hub.find(person.name):
            self._release_name(before.logged_in_person)

    def _exit(self, other: Elsewhere, why: str) -> None:
        self._release_name(other.logged_in_person)
        self._hub.exit(other, why)

    def _release_name(self, person: Person) -> None:
        """Release a person's name, which stays reserved for the days that the settings define."""
        self._people.reservations.left(person, self._database.now())

    def _on_changed(self, changed: EntryChanged) -> None:
        if changed.node != self._database.node:
            self._hub.change(changed)

    def _on_exited(self, exited: PersonExited) -> None:
        if other := self._hub.elsewhere(exited.person, exited.node, exited.session):
            self._exit(other, exited.why)

    def _on_gone(self, gone: NodeGone) -> None:
        if gone.node != self._database.node:
            log.warning("a server of the room is gone", extra={"node": gone.node})
        for other in [each for each in self._hub.others.values() if each.node == gone.node]:
            self._exit(other, GONE)


def _announce(event: Event, connection: SqlConnection) -> None:
    connection.announce(event)
