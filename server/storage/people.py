"""The people who were here recently, and their mutes and blocks: in memory and in the database."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from server.protocol import names
from server.protocol.codes import ReportState
from server.protocol.proof import LoginKeys
from server.rules.bans import HOUR_MILLISECONDS, Ban, BanIndex, remaining
from server.rules.messages import Person
from server.rules.relations import Relation, RelationIndex
from server.rules.reservations import Obstacle, Reservations
from server.storage import bans, held_names, login_keys, mutes_and_blocks, report_rows, site_blocks
from server.storage.base import Joined
from server.storage.database import Database
from server.storage.events import (
    BanLifted,
    Banned,
    PersonJoined,
    PersonLeft,
    RelationsChanged,
    RemovalRequested,
    ReportChanged,
    ReportDeleted,
    ReportOpened,
)
from server.storage.fair import QueueKey
from server.storage.journal import Kind
from server.storage.sql import SqlConnection

MAX_KNOWN = 50_000
"""Maximum number of people, the latest ones, who can receive messages while they are away."""


class People:
    """All known people by name; a name refers to its newest holder."""

    def __init__(self, database: Database) -> None:
        """Create the object before anything is written."""
        self.relations = RelationIndex()
        self.bans = BanIndex()
        self.reservations = Reservations()
        self._database = database
        self._known: dict[str, Person] = {}
        self._backlog: list[Callable[[], None]] | None = None
        """Events that arrive during the load, which may be newer than what is loaded."""
        if database.node:
            # Without other servers, `joined` and `left` have already done this.
            self._hear(PersonJoined, self._add)
            self._hear(PersonLeft, self._reserve)
        self._hear(RelationsChanged, self._change_relations)
        self._hear(Banned, self._ban)
        self._hear(BanLifted, self._lift_bans)
        self._hear(ReportOpened, self._reports_opened)
        self._hear(ReportChanged, self._reports_changed)
        self._hear(ReportDeleted, self._reports_deleted)

    async def load(self) -> None:
        """Load everything from the database; call it once, before the first login. Raises StorageError."""
        backlog: list[Callable[[], None]] = []
        self._backlog = backlog
        for person in await self._database.read(_load_people):
            self._known[names.key(person.name)] = person
        for relation in await self._database.read(mutes_and_blocks.load):
            self.relations.set(relation)
        for person, held_at in await self._database.write(held_names.load):
            self.reservations.reserve(person, held_at)
        for ban in await self._database.write(bans.load):
            self.bans.set(ban)
        for person in await self._database.read(held_names.load_members):
            self.reservations.add_member(person)
        for report_id, person in await self._database.read(report_rows.open_about):
            self.reservations.report_opened(report_id, person)
        self._backlog = None
        for follow in backlog:
            follow()

    def _hear(self, kind: type[Kind], listener: Callable[[Sequence[Kind]], None]) -> None:
        def hear(events: Sequence[Kind]) -> None:
            if self._backlog is None:
                listener(events)
            else:
                self._backlog.append(partial(listener, events))

        self._database.hear(kind, hear)

    def _reports_opened(self, events: Sequence[ReportOpened]) -> None:
        for report, about, _ in events:
            if about.identity:
                self.reservations.report_opened(report.id, about)

    def _reports_changed(self, events: Sequence[ReportChanged]) -> None:
        for event in events:
            if event.report.status in {ReportState.RESOLVED, ReportState.WITHDRAWN}:
                self.reservations.report_closed(event.report.id)

    def _reports_deleted(self, events: Sequence[ReportDeleted]) -> None:
        for event in events:
            self.reservations.report_closed(event.report_id)

    def find(self, name: str) -> Person | None:
        """Return the newest holder of a name, or None."""
        return self._known.get(names.key(name))

    def obstacle(self, name: str, identity: str) -> Obstacle | None:
        """Return why a person cannot have a name now; None if they can."""
        return self.reservations.obstacle(name, identity, self._database.now())

    def holds_name(self, person: Person) -> bool:
        """Return whether a person is in the room under this name, or has it reserved."""
        return self.reservations.holds(person, self._database.now())

    def expire_names(self) -> None:
        """Forget names that are no longer reserved."""
        self.reservations.expire(self._database.now())

    def enrol(self, identity: str, keys: LoginKeys) -> "asyncio.Future[None]":
        """Store the keys of a new person. Raises StorageError."""
        return self._database.write(lambda connection: login_keys.add(identity, keys, connection.now, connection))

    async def login_keys(self, identity: str, key: QueueKey) -> LoginKeys | None:
        """Return the keys of an identity; None if it is not enrolled. Raises StorageError."""
        return await self._database.read(partial(login_keys.find, identity), key)

    def joined(self, person: Person, *, returns: bool = True, member: bool = False) -> "asyncio.Future[Joined]":
        """Record that a person joined.

        `returns`: they can log in again as the same person, so their name is reserved. The name of a member of the site
        stays reserved as long as the member is known. Raises StorageError.
        """
        joined = PersonJoined(person, self._database.now(), returns, member)
        # Names are chosen from memory: on this server, nobody else can have this one from now on.
        self.reservations.joined(person, joined.at, returns=False)
        self._add([joined])
        return self._database.write_soon(partial(join, joined))

    def left(self, person: Person, last_message: int) -> None:
        """Record that a person left, and the last message they have seen."""
        self.reservations.left(person, self._database.now())
        self._database.write_aside(partial(leave, person, last_message))

    def ban_against(self, person: Person) -> str | None:
        """Return for how much longer a person is banned, in words; None if they are not."""
        now = self._database.now()
        ban = self.bans.against(person, now)
        return remaining(ban, now) if ban else None

    def current_bans(self) -> list[tuple[Ban, str]]:
        """Return the bans that have not ended, and for how much longer each lasts, in words."""
        now = self._database.now()
        return [(ban, remaining(ban, now)) for ban in self.bans.current(now)]

    def find_ban(self, name: str) -> Ban | None:
        """Return the ban of a name, or None."""
        return self.bans.find(name, self._database.now())

    def ban(
        self, person: Person, hours: int, by: str, removal: RemovalRequested | None = None
    ) -> "asyncio.Future[Ban]":
        """Ban a person, whose identity is "" if nobody with this name was here. Raises StorageError.

        `removal` is announced to every server in the same transaction.
        """

        def work(connection: SqlConnection) -> Ban:
            until = connection.now + hours * HOUR_MILLISECONDS
            if removal:
                # First, because it contains the message for the banned person.
                connection.announce(removal)
            return bans.add(Ban(person.name, person.identity, until, by), connection)

        return self._database.write(work)

    def lift_ban(self, ban: Ban) -> "asyncio.Future[None]":
        """End a ban. Raises StorageError."""
        return self._database.write(partial(bans.lift, ban))

    def relate(self, relation: Relation) -> "asyncio.Future[None]":
        """Mute or block a person, with effect once it is stored. Raises StorageError."""
        return self._database.write(partial(mutes_and_blocks.begin, [relation]))

    def set_site_blocks(self, identity: str, others: Sequence[Person]) -> "asyncio.Future[None]":
        """Replace the people that a member has blocked on the site. Raises StorageError."""
        return self._database.write(partial(site_blocks.replace, identity, others))

    def apply_site_blocks(self, identity: str, spared: Collection[str] = ()) -> "asyncio.Future[None]":
        """Apply the blocks from the site again, except those of `spared`: the member may have lifted them here.

        Raises StorageError.
        """
        return self._database.write(partial(site_blocks.apply, identity, spared))

    def unrelate(self, identity: str, name: str, *, blocked: bool) -> "asyncio.Future[None]":
        """Unmute or unblock everyone who was muted or blocked under this name, or has it now. Raises StorageError."""
        holder = self.find(name)
        # Chosen in the transaction, because one that is being stored has to end as well.
        end = partial(mutes_and_blocks.end_named, identity, name, holder.identity if holder else "", blocked)
        return self._database.write(end)

    def end_relations(self, relations: Iterable[Relation]) -> "asyncio.Future[None]":
        """End these mutes and blocks. Raises StorageError."""
        return self._database.write(partial(mutes_and_blocks.end, [*relations]))

    def _add(self, joined: Sequence[PersonJoined]) -> None:
        for person, at, returns, member in joined:
            if returns:
                self.reservations.reserve(person, at)
            if member:
                self.reservations.add_member(person)
            key = names.key(person.name)
            # Keep the latest last.
            self._known.pop(key, None)
            self._known[key] = person
            if len(self._known) > MAX_KNOWN:
                del self._known[next(iter(self._known))]

    def _reserve(self, left: Sequence[PersonLeft]) -> None:
        for person, at in left:
            self.reservations.renew(person, at)

    def _change_relations(self, changes: Sequence[RelationsChanged]) -> None:
        for begun, ended in changes:
            for relation in ended:
                self.relations.remove(relation.identity, relation.other)
            for relation in begun:
                self.relations.set(relation)

    def _ban(self, banned: Sequence[Banned]) -> None:
        for each in banned:
            self.bans.set(each.ban)

    def _lift_bans(self, lifted: Sequence[BanLifted]) -> None:
        for each in lifted:
            self.bans.lift(each.name)


def _load_people(connection: SqlConnection) -> list[Person]:
    query = "SELECT name, identity FROM (SELECT * FROM person ORDER BY seen_at DESC LIMIT ?) AS latest ORDER BY seen_at"
    return [Person(*row) for row in connection.execute(query, (MAX_KNOWN,))]


def join(joined: PersonJoined, connection: SqlConnection) -> Joined:
    if joined.member:
        held_names.add_member(joined.person, connection)
    if joined.returns:
        held_names.joined(joined.person, connection)
    connection.announce(joined._replace(at=connection.now))
    return store_joined(joined.person, connection.now, connection)


def store_joined(person: Person, now: int, connection: SqlConnection) -> Joined:
    """Store that a person joined; `now` is in milliseconds."""
    row = connection.execute("SELECT last_message FROM person WHERE identity = ?", (person.identity,)).fetchone()
    stored = connection.execute(
        "INSERT INTO person (identity, name, seen_at, last_message, read_from)"
        " VALUES (?1, ?2, ?3, 0, (SELECT coalesce(max(id), 0) FROM message))"
        " ON CONFLICT (identity) DO UPDATE SET name = ?2, seen_at = ?3"
        " RETURNING read_from, (SELECT number FROM message_changes)",
        (person.identity, person.name, now),
    ).fetchone()
    login_keys.seen(person.identity, now, connection)
    return Joined(int(row[0]) if row else None, *stored)


def leave(person: Person, last_message: int, connection: SqlConnection) -> None:
    connection.execute(
        "UPDATE person SET seen_at = ?1, last_message = CASE WHEN last_message < ?2 THEN ?2 ELSE last_message END"
        " WHERE identity = ?3",
        (connection.now, last_message, person.identity),
    )
    held_names.left(person, connection)
    connection.announce(PersonLeft(person, connection.now))
