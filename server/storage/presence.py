"""The people in a room that several servers share: each name belongs to a session, and each session to a server."""

import json
from typing import NamedTuple

import msgspec

from server.protocol import names
from server.protocol.frames import WhoEntry
from server.rules.messages import Person
from server.rules.ranks import Rank
from server.storage import people
from server.storage.base import Joined
from server.storage.events import EntryChanged, NodeGone, NodeOpened, PersonEntered, PersonExited, PersonJoined
from server.storage.sql import SqlConnection

SILENT_SECONDS = 6.0
"""Time without an answer from the database after which a server is not ready, and disconnects its clients."""
GONE_MILLISECONDS = 8_000
"""Time without a write after which the other servers remove a server."""

_entries = msgspec.json.Decoder(WhoEntry)


class PlaceRequest(NamedTuple):
    """A session's request for a place in the room, under a name that was free when it was chosen."""

    person: Person
    node: str
    session: int
    entry: WhoEntry
    rank: Rank
    member: bool
    returns: bool
    """They can log in again as the same person, so the name is reserved for them."""
    known: int
    """The latest `PersonEntered.number` of another server that was known when the name was chosen."""


class Outdated(NamedTuple):
    """Names have come into use on other servers since the name was chosen; the latest has this number."""

    number: int


def enter(request: PlaceRequest, connection: SqlConnection) -> Joined | Outdated:
    """Claim a place for a person, in the transaction that stores them, and announce it; if outdated, change nothing."""
    if not connection.dialect.claim:
        return enter_by_statements(request, connection)
    person, joined = request.person, PersonJoined(request.person, connection.now, request.returns, request.member)
    outdated, number, *stored, name, identity = connection.execute(
        connection.dialect.claim,
        (
            request.node, request.known, connection.now, names.key(person.name), *person, request.session,
            int(request.rank), request.member, request.returns, _encoded(request.entry),
        ),
    ).fetchone()  # fmt: skip
    if outdated is not None:
        return Outdated(outdated)
    if name is not None:
        # A guest had the member's name.
        people.leave(Person(name, identity), 0, connection)
    connection.announce(joined)
    connection.announce(_entered(request, number))
    return Joined(*stored)


def enter_by_statements(request: PlaceRequest, connection: SqlConnection) -> Joined | Outdated:
    """Do what `enter` does, in several statements instead of one call of a database function."""
    changed = connection.execute(
        "SELECT coalesce(max(names_changed), 0) FROM node WHERE id <> ?", (request.node,)
    ).fetchone()[0]
    if changed > request.known:
        return Outdated(changed)
    (number,) = connection.execute(
        "UPDATE room SET names_changed = names_changed + 1 RETURNING names_changed"
    ).fetchone()
    connection.execute("UPDATE node SET names_changed = ? WHERE id = ?", (number, request.node))
    if request.member:
        _dismiss_guest(request.person, connection)
    connection.execute(
        "INSERT INTO presence (key, name, identity, node, session, number, rank, member, entry)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (key) DO UPDATE"
        " SET name = ?2, identity = ?3, node = ?4, session = ?5, number = ?6, rank = ?7, member = ?8, entry = ?9",
        (
            names.key(request.person.name), *request.person, request.node, request.session, number, int(request.rank),
            int(request.member), _encoded(request.entry),
        ),
    )  # fmt: skip
    joined = people.join(PersonJoined(request.person, connection.now, request.returns, request.member), connection)
    connection.announce(_entered(request, number))
    return joined


def _entered(request: PlaceRequest, number: int) -> PersonEntered:
    return PersonEntered(
        person=request.person,
        node=request.node,
        session=request.session,
        entry=request.entry,
        rank=request.rank,
        member=request.member,
        number=number,
    )


def _dismiss_guest(member: Person, connection: SqlConnection) -> None:
    """Record that a guest who had the member's name has left."""
    query = "SELECT name, identity FROM presence WHERE key = ? AND identity <> ?"
    for row in connection.execute(query, (names.key(member.name), member.identity)).fetchall():
        people.leave(Person(*row), 0, connection)


def change(changed: EntryChanged, connection: SqlConnection) -> None:
    """Store what others see of a person, and announce it, unless their place belongs to another session by now."""
    values = _encoded(changed.entry), int(changed.rank), *_place(changed)
    updated = connection.execute(
        "UPDATE presence SET entry = ?, rank = ? WHERE key = ? AND node = ? AND session = ?", values
    )
    if updated.rowcount:
        connection.announce(changed)


def leave(exited: PersonExited, last_message: int, connection: SqlConnection) -> None:
    """Release a place, and announce it, unless it belongs to another session by now."""
    deleted = connection.execute("DELETE FROM presence WHERE key = ? AND node = ? AND session = ?", _place(exited))
    people.leave(exited.person, last_message, connection)
    if deleted.rowcount:
        connection.announce(exited)


def expire(connection: SqlConnection) -> list[str]:
    """Remove servers that have been silent for too long, with everyone on them; announce that, and return their IDs."""
    gone = connection.execute("SELECT id FROM node WHERE beat < ?", (connection.now - GONE_MILLISECONDS,)).fetchall()
    for (node,) in gone:
        for row in connection.execute("SELECT name, identity FROM presence WHERE node = ?", (node,)).fetchall():
            people.leave(Person(*row), 0, connection)
        connection.execute("DELETE FROM presence WHERE node = ?", (node,))
        connection.execute("DELETE FROM node WHERE id = ?", (node,))
        connection.announce(NodeGone(node))
    return [node for (node,) in gone]


class OtherServers(NamedTuple):
    """Everyone on other servers, the digests of these servers' settings, and the latest `PersonEntered.number`."""

    people: list[PersonEntered]
    settings: dict[str, dict[str, str]]
    names_changed: int


def open_node(opened: NodeOpened, connection: SqlConnection) -> OtherServers:
    """Announce this server, and return the state of the other servers, to which their later events apply."""
    set_settings(opened, connection)
    rows = connection.execute(
        "SELECT name, identity, node, session, entry, rank, member, number FROM presence WHERE node <> ?",
        (opened.node,),
    ).fetchall()
    entered = [
        PersonEntered(Person(name, identity), node, session, _entries.decode(entry), Rank(rank), bool(member), number)
        for name, identity, node, session, entry, rank, member, number in rows
    ]
    settings = connection.execute("SELECT id, settings FROM node WHERE id <> ?", (opened.node,)).fetchall()
    (changed,) = connection.execute("SELECT names_changed FROM room").fetchone()
    return OtherServers(entered, {node: json.loads(each or "{}") for node, each in settings}, changed)


def set_settings(opened: NodeOpened, connection: SqlConnection) -> None:
    """Store and announce the digests of a server's settings."""
    connection.execute("UPDATE node SET settings = ? WHERE id = ?", (json.dumps(opened.settings), opened.node))
    connection.announce(opened)


def _encoded(entry: WhoEntry) -> str:
    return msgspec.json.encode(entry).decode()


def _place(at: EntryChanged | PersonExited) -> tuple[str, str, int]:
    return names.key(at.person.name), at.node, at.session
