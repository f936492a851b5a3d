"""The people who were here recently, and their mutes and blocks: in memory and in the database."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from functools import partial

from server.protocol import names
from server.protocol.proof import LoginKeys
from server.rules.bans import HOUR_MILLISECONDS, Ban, BanIndex, remaining
from server.rules.messages import Person
from server.rules.relations import Relation, RelationIndex
from server.rules.reservations import Obstacle, Reservations
from server.storage import bans, held_names, login_keys, reports, site_blocks
from server.storage.base import Joined
from server.storage.clock import Clock, milliseconds, utc_now
from server.storage.database import Database
from server.storage.fair import QueueKey
from server.storage.site_blocks import ChangedBlocks
from server.storage.sql import SqlConnection

MAX_KNOWN = 50_000
"""Maximum number of people, the latest ones, who can receive messages while they are away."""


class People:
    """All known people by name; a name stands for its newest holder."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self.relations = RelationIndex()
        self.bans = BanIndex()
        self.reservations = Reservations()
        self._database = database
        self._clock = clock
        self._known: dict[str, Person] = {}

    async def load(self) -> None:
        """Load everything from the database; call it once, before the first login. Raises StorageError."""
        people, relations = await self._database.read(_load)
        for person in people:
            self._known[names.key(person.name)] = person
        for relation in relations:
            self.relations.set(relation)
        for person, held_at in await self._database.write(partial(held_names.load, milliseconds(self._clock()))):
            self.reservations.reserve(person, held_at)
        for ban in await self._database.write(partial(bans.load, milliseconds(self._clock()))):
            self.bans.set(ban)
        for person in await self._database.read(held_names.load_members):
            self.reservations.add_member(person)
        for report_id, person in await self._database.read(reports.open_about):
            self.reservations.report_opened(report_id, person)

    def find(self, name: str) -> Person | None:
        """Return the newest holder of a name, or None."""
        return self._known.get(names.key(name))

    def obstacle(self, name: str, identity: str) -> Obstacle | None:
        """Return why a person cannot have a name now; None if they can."""
        return self.reservations.obstacle(name, identity, milliseconds(self._clock()))

    def holds_name(self, person: Person) -> bool:
        """Return whether a person is in the room under this name, or has it reserved."""
        return self.reservations.holds(person, milliseconds(self._clock()))

    def expire_names(self) -> None:
        """Forget names that are no longer reserved."""
        self.reservations.expire(milliseconds(self._clock()))

    def enrol(self, identity: str, keys: LoginKeys) -> "asyncio.Future[None]":
        """Store the keys of a new person. Raises StorageError."""
        return self._database.write(partial(login_keys.add, identity, keys, milliseconds(self._clock())))

    async def login_keys(self, identity: str, key: QueueKey) -> LoginKeys | None:
        """Return the keys of an identity; None if it is not enrolled. Raises StorageError."""
        return await self._database.read(partial(login_keys.find, identity), key)

    def joined(self, person: Person, *, returns: bool = True, member: bool = False) -> "asyncio.Future[Joined]":
        """Record that a person joined.

        `returns`: they can log in again as the same person, so their name is reserved. A member of the site has theirs
        as long as they are known. Raises StorageError.
        """
        key, now = names.key(person.name), milliseconds(self._clock())
        self.reservations.joined(person, now, returns=returns)
        if member:
            self.reservations.add_member(person)
            self._database.write_aside(partial(held_names.add_member, person, now))
        # Keep the latest last.
        self._known.pop(key, None)
        self._known[key] = person
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]
        if returns:
            self._database.write_aside(partial(held_names.joined, person))
        return self._database.write(partial(store_joined, person, now))

    def left(self, person: Person, last_message: int) -> None:
        """Record that a person left, and the last message they have seen."""
        now = milliseconds(self._clock())
        self.reservations.left(person, now)
        self._database.write_aside(partial(_left, person, last_message, now))

    def ban_against(self, person: Person) -> str:
        """Return for how much longer a person is banned, in words; "" if they are not."""
        now = milliseconds(self._clock())
        ban = self.bans.against(person, now)
        return remaining(ban, now) if ban else ""

    def current_bans(self) -> list[tuple[Ban, str]]:
        """Return the bans that have not ended, and for how much longer each lasts, in words."""
        now = milliseconds(self._clock())
        return [(ban, remaining(ban, now)) for ban in self.bans.current(now)]

    def find_ban(self, name: str) -> Ban | None:
        """Return the ban of a name, or None."""
        return self.bans.find(name, milliseconds(self._clock()))

    def ban(self, person: Person, hours: int, by: str) -> "asyncio.Future[Ban]":
        """Ban a person, whose identity is "" if nobody with this name was here. Raises StorageError."""
        now = milliseconds(self._clock())
        ban = Ban(person.name, person.identity, now + hours * HOUR_MILLISECONDS, by)

        def apply(stored: Sequence[Ban]) -> None:
            for each in stored:
                self.bans.set(each)

        return self._database.write(partial(bans.add, ban, now), apply)

    def lift_ban(self, ban: Ban) -> "asyncio.Future[None]":
        """End a ban. Raises StorageError."""
        return self._database.write(partial(bans.lift, ban.key), lambda _: self.bans.lift(ban.name))

    def relate(self, relation: Relation) -> "asyncio.Future[Relation]":
        """Mute or block; takes effect once it is stored. Raises StorageError."""

        def apply(stored: Sequence[Relation]) -> None:
            for each in stored:
                self.relations.set(each)

        return self._database.write(partial(site_blocks.block, relation), apply)

    def set_site_blocks(self, identity: str, others: Sequence[Person]) -> "asyncio.Future[ChangedBlocks]":
        """Replace the people that a member has blocked on the site. Raises StorageError."""
        return self._database.write(partial(site_blocks.replace, identity, others), partial(self._change, identity))

    def apply_site_blocks(self, identity: str, spared: Collection[str] = ()) -> "asyncio.Future[ChangedBlocks]":
        """Apply the blocks from the site again, since the member may have lifted them here. Raises StorageError."""
        return self._database.write(partial(site_blocks.apply, identity, spared), partial(self._change, identity))

    def _change(self, identity: str, stored: Sequence[ChangedBlocks]) -> None:
        for changed in stored:
            for other in changed.ended:
                self.relations.remove(identity, other)
            for relation in changed.begun:
                self.relations.set(relation)

    def unrelate(self, identity: str, name: str, *, blocked: bool) -> "asyncio.Future[None]":
        """End the mute or block of everyone who had this name then, or has it now. Raises StorageError."""
        key, holder = names.key(name), self.find(name)
        return self.end_relations(
            relation
            for relation in self.relations.of(identity)
            if relation.blocked == blocked
            and (names.key(relation.other_name) == key or (holder and relation.other == holder.identity))
        )

    def end_relations(self, relations: Iterable[Relation]) -> "asyncio.Future[None]":
        """End these mutes and blocks. Raises StorageError."""
        ended = [*relations]

        def remove(_: Sequence[None]) -> None:
            for relation in ended:
                self.relations.remove(relation.identity, relation.other)

        return self._database.write(partial(_unrelate, ended), remove)


def _load(connection: SqlConnection) -> tuple[list[Person], list[Relation]]:
    query = "SELECT name, identity FROM (SELECT * FROM person ORDER BY seen_at DESC LIMIT ?) ORDER BY seen_at"
    people = [Person(*row) for row in connection.execute(query, (MAX_KNOWN,))]
    rows = connection.execute("SELECT identity, other, other_name, blocked, after FROM hidden")
    return people, [Relation(one, other, name, bool(blocked), after) for one, other, name, blocked, after in rows]


def store_joined(person: Person, now: int, connection: SqlConnection) -> Joined:
    """Store that a person joined; `now` is in milliseconds."""
    row = connection.execute("SELECT last_message FROM person WHERE identity = ?", (person.identity,)).fetchone()
    stored = connection.execute(
        "INSERT INTO person (identity, name, seen_at, last_message, read_from)"
        " VALUES (?1, ?2, ?3, 0, (SELECT coalesce(max(id), 0) FROM message))"
        " ON CONFLICT DO UPDATE SET name = ?2, seen_at = ?3"
        " RETURNING read_from, (SELECT number FROM message_changes)",
        (person.identity, person.name, now),
    ).fetchone()
    login_keys.seen(person.identity, now, connection)
    return Joined(int(row[0]) if row else None, *stored)


def _left(person: Person, last_message: int, now: int, connection: SqlConnection) -> None:
    connection.execute(
        "UPDATE person SET seen_at = ?, last_message = max(last_message, ?) WHERE identity = ?",
        (now, last_message, person.identity),
    )
    held_names.left(person, now, connection)


def _unrelate(ended: list[Relation], connection: SqlConnection) -> None:
    connection.executemany(
        "DELETE FROM hidden WHERE identity = ? AND other = ?", [(each.identity, each.other) for each in ended]
    )
