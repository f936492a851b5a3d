"""Places in the room: each login claims one under a name, and gives it back at the end of its session."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import Frame
from server.room.session import Session
from server.rules.messages import Person
from server.storage.base import Joined
from server.storage.events import Event, RoomRequest
from server.storage.people import People

ANOTHER_PLACE = "You have been signed out of chat because you logged in from another location."
NAME_OF_A_MEMBER = "This name belongs to a member of the site, who has just signed in. Choose another one."


Digests = dict[str, str]


class NameClaim(NamedTuple):
    """The wish of a verified user for a place."""

    session: Session
    choose: Callable[[], Person | None]
    """Returns the user with a name that is free now; None if the login was refused."""
    granted: Callable[[Person, "asyncio.Future[Joined]"], None]
    """Called with the user, who is now in the room; the future has what is stored of them, or StorageError."""
    failed: Callable[[BaseException], None]
    """Called with a StorageError if the place could not be claimed."""
    returns: bool
    """The user can log in again as the same person."""
    member: bool


class Exit(NamedTuple):
    """How a person left."""

    last_message: int
    """The last message that they have seen; 0 if that is not known."""
    why: str
    """What others read."""
    returns: bool = False
    """The server ends, so their client returns at once, to another one or later to this one."""


class Attendance:
    """Places in a room of one server: a name that is free there is granted at once."""

    shared = False
    """Other servers have the room as well."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def open(self, settings: Digests) -> None:
        """Load who is in the room; call it before the first login. Raises StorageError."""

    def set_settings(self, settings: Digests) -> None:
        """Show the other servers digests of this one's settings, by which they see whether theirs differ."""

    def claim(self, claim: NameClaim) -> None:
        """Choose a name, and let the user in under it."""
        if person := claim.choose():
            claim.granted(person, self._people.joined(person, returns=claim.returns, member=claim.member))

    def leave(self, session: Session, person: Person, left: Exit) -> None:
        """Give back the place of a person who left."""
        del session
        self._people.left(person, left.last_message)

    def show_change(self, session: Session, *, was_hidden: bool) -> None:
        """Show other servers what has changed about a person."""

    def announce(self, event: Event) -> None:
        """Announce something to the other servers, which listen to it as `handlers.elsewhere` says."""

    def send(self, identity: str, frame: Frame, *, lossy: bool = False) -> None:
        """Send a frame to a person's sessions on other servers; `lossy`: it may get lost."""

    def request(self, request: RoomRequest) -> None:
        """Ask the other servers for something."""

    def waiting(self) -> list[Session]:
        """Return the sessions that wait for their names."""
        return []


def end_replaced(session: Session, by: Person) -> None:
    """Close a session whose name a new login has: of the same person, or of the member whose name it is."""
    if session.logged_in_person.identity != by.identity:
        session.close(CloseCode.REPLACED, NAME_OF_A_MEMBER, reconnect=False)
        return
    if not session.dialect.explained:
        # BareRTC's clients show no reason of a `disconnect`.
        session.error(ErrorCode.NOTICE, ANOTHER_PLACE)
    session.close(CloseCode.REPLACED, "You logged in from another connection.", reconnect=False)
