"""Places in the room: each login claims one under a name, and releases it when the session ends."""

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
    """A verified user's claim to a place."""

    session: Session
    choose: Callable[[], Person | None]
    """Returns the user with a name that is free now; None if the login was refused."""
    granted: Callable[[Person, "asyncio.Future[Joined]"], None]
    """Called once the place is granted. The future returns what is stored about the user, or raises StorageError."""
    failed: Callable[[BaseException], None]
    """Called with a StorageError if the place could not be claimed."""
    returns: bool
    """The user can log in again as the same person."""
    member: bool


class Exit(NamedTuple):
    """The circumstances of a person's exit."""

    last_message: int
    """Number of the last message that the person has received; 0 if unknown."""
    why: str
    """The text that others see."""
    returns: bool = False
    """The server is shutting down, so their client reconnects to another server, or later to this one."""


class Attendance:
    """Places in a room on a single server: a free name is granted at once."""

    shared = False
    """Whether several servers share the room."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def open(self, settings: Digests) -> None:
        """Load the people on other servers, and publish the digests of the settings. Call this before the first login.

        Raises StorageError.
        """

    def set_settings(self, settings: Digests) -> None:
        """Publish new digests of this server's settings, so that the other servers can detect differences."""

    def claim(self, claim: NameClaim) -> None:
        """Choose a name, and admit the user under it."""
        if person := claim.choose():
            claim.granted(person, self._people.joined(person, returns=claim.returns, member=claim.member))

    def leave(self, session: Session, person: Person, left: Exit) -> None:
        """Release the place of a person who left."""
        del session
        self._people.left(person, left.last_message)

    def show_change(self, session: Session, *, was_hidden: bool) -> None:
        """Announce a person's changed entry to the other servers."""

    def announce(self, event: Event) -> None:
        """Announce an event to the other servers, which handle it in `handlers.elsewhere`."""

    def send(self, identity: str, frame: Frame, *, lossy: bool = False) -> None:
        """Send a frame to a person's sessions on other servers. A `lossy` frame may be lost."""

    def request(self, request: RoomRequest) -> None:
        """Send a request to the other servers."""

    def waiting(self) -> list[Session]:
        """Return the sessions whose claims are not answered yet."""
        return []


def end_replaced(session: Session, by: Person) -> None:
    """Close a session that has lost its name to a new login: of the same person, or of the member who owns the name."""
    if session.logged_in_person.identity != by.identity:
        session.close(CloseCode.REPLACED, NAME_OF_A_MEMBER, reconnect=False)
        return
    if not session.dialect.explained:
        # BareRTC's clients do not show the reason in a `disconnect`.
        session.error(ErrorCode.NOTICE, ANOTHER_PLACE)
    session.close(CloseCode.REPLACED, "You logged in from another connection.", reconnect=False)
