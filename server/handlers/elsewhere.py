"""Requests from other servers of the room, about people whose connections are on this server."""

from functools import partial

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
from server.storage.journal import one_by_one


def listen(database: Database, dispatcher: Dispatcher) -> None:
    """Carry out the requests of other servers from now on."""
    database.hear(FrameSent, one_by_one(partial(_deliver, dispatcher, database.node)))
    database.hear(RemovalRequested, one_by_one(partial(_remove, dispatcher)))
    database.hear(Banned, one_by_one(partial(operators.remove_banned, dispatcher)))
    database.hear(RankChanged, one_by_one(partial(_change_rank, dispatcher)))
    database.hear(ClaimsAmended, one_by_one(partial(_amend, dispatcher)))
    database.hear(RoomRequested, one_by_one(partial(_follow, dispatcher, database.node)))


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
