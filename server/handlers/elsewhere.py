"""Requests from other servers of the room, about people whose connections are on this server."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from server.handlers import operators, sign_in
from server.handlers.dispatch import Dispatcher
from server.protocol.codec import decode_server
from server.room.session import framed
from server.rules.ranks import Rank
from server.storage.database import Database
from server.storage.events import (
    Banned,
    ClaimsAmended,
    FrameSent,
    RankChanged,
    RemovalRequested,
    RoomRequest,
    RoomRequested,
)
from server.storage.journal import Kind

Asked = TypeVar("Asked")


def listen(database: Database, dispatcher: Dispatcher) -> None:
    """Carry out the requests of other servers from now on."""
    _hear(database, FrameSent, partial(_deliver, dispatcher, database.node))
    _hear(database, RemovalRequested, partial(_remove, dispatcher))
    _hear(database, Banned, partial(operators.remove_banned, dispatcher))
    _hear(database, RankChanged, partial(_change_rank, dispatcher))
    _hear(database, ClaimsAmended, partial(_amend, dispatcher))
    _hear(database, RoomRequested, partial(_follow, dispatcher, database.node))


def _hear(database: Database, kind: type[Kind], on: Callable[[Kind], None]) -> None:
    def hear(events: Sequence[Kind]) -> None:
        for event in events:
            on(event)

    database.hear(kind, hear)


def _deliver(dispatcher: Dispatcher, node: str, sent: FrameSent) -> None:
    if sent.node != node:
        wire = framed(decode_server(sent.frame.encode()))
        for session in dispatcher.hub.sessions_of(sent.identity):
            session.deliver(wire)


def _remove(dispatcher: Dispatcher, removal: RemovalRequested) -> None:
    for session in dispatcher.hub.sessions_of(removal.identity):
        if removal.name in {"", session.logged_in_person.name}:
            operators.remove(dispatcher, session, removal)


def _change_rank(dispatcher: Dispatcher, changed: RankChanged) -> None:
    if any((each.rank is Rank.OPERATOR) != changed.op for each in dispatcher.hub.sessions_of(changed.identity)):
        operators.set_rank(dispatcher, changed.identity, op=changed.op)


def _amend(dispatcher: Dispatcher, amended: ClaimsAmended) -> None:
    for session in dispatcher.hub.sessions_of(amended.identity):
        if session.is_member:
            sign_in.amend(dispatcher, session, session.logged_in_person, amended.claims)


def _follow(dispatcher: Dispatcher, node: str, requested: RoomRequested) -> None:
    if requested.node == node:
        return
    if requested.request is RoomRequest.RELOAD:
        dispatcher.reconfigure()
    elif requested.request is RoomRequest.DISCONNECT_ALL:
        operators.disconnect_all(dispatcher)
    else:
        operators.announce_end(dispatcher)
        dispatcher.shut_down()
