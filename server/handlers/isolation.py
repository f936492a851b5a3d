"""Isolation from the other servers of the room: clients are disconnected, and reconnect to another server."""

import logging

from server.handlers.dispatch import Dispatcher
from server.protocol.codes import CloseCode
from server.storage.database import NodeHealth
from server.storage.presence import SILENT_SECONDS

MOVED = "This server has lost its connection to the room. You will be reconnected as soon as a server is available."
DOWN = "the database is down or refuses this server, so nothing is stored; run `doctor`"
UNREACHABLE = "the database does not answer, so clients are sent to other servers; check that it runs"

log = logging.getLogger(__name__)


def fence(dispatcher: Dispatcher) -> None:
    """Disconnect everyone and shut down: the other servers have removed this one, and may serve its users by now."""
    dispatcher.fenced = dispatcher.draining = True
    _disconnect_all(dispatcher)
    dispatcher.shut_down()


def watch_beats(dispatcher: Dispatcher, node: NodeHealth | None) -> None:
    """Disconnect everyone if the database has been silent for so long that other servers may soon remove this one.

    If the database is down for all servers, clients stay connected: they would find no better one, and all return at
    once later.
    """
    if node is None:
        return
    is_silent = node.beat_age > SILENT_SECONDS
    if is_silent and not dispatcher.cut_off:
        log.error(DOWN if node.database_down else UNREACHABLE)
    elif dispatcher.cut_off and not is_silent:
        log.warning("the database answers again")
    dispatcher.cut_off = is_silent
    if is_silent and not node.database_down:
        _disconnect_all(dispatcher)


def _disconnect_all(dispatcher: Dispatcher) -> None:
    for session in [*dispatcher.hub.sessions.values(), *dispatcher.presence.waiting()]:
        if not session.ended:
            session.close(CloseCode.SERVICE_RESTART, MOVED, reconnect=True)
