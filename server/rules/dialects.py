"""Dialects: whether a client expects the frames of this protocol or of BareRTC, as determined by its login."""

from typing import NamedTuple

from server.protocol.frames import Login


class Dialect(NamedTuple):
    """The differences between clients. Everything else suits all of them, because BareRTC ignores unknown fields."""

    who_lists: bool
    """Receives the whole who list, in one frame, after every change."""
    silent_presence: bool
    """Receives a change of status as `presence` with an empty message, which BareRTC would print."""
    gathered_presence: bool
    """Receives several changes as one `presences` frame."""
    explained: bool
    """Receives an error for each unknown action, not only for the first."""


FLAGPOST = Dialect(who_lists=False, silent_presence=True, gathered_presence=True, explained=True)
BARERTC = Dialect(who_lists=True, silent_presence=False, gathered_presence=False, explained=False)
EITHER = Dialect(who_lists=True, silent_presence=True, gathered_presence=False, explained=True)
"""For a login with only a name, from a guest of BareRTC or a small client of this protocol: suits both."""


def dialect_of(login: Login) -> Dialect:
    """Return the dialect of the client that sent this login."""
    if login.dialect:
        return {"flagpost": FLAGPOST, "barertc": BARERTC}[login.dialect]
    if login.token or login.since or login.enrol or login.prove:
        return FLAGPOST
    return EITHER if login.jwt is None and login.dnd is None else BARERTC
