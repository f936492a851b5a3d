"""Places in the room: each login claims one under a name, and gives it back at the end of its session."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from server.protocol.codes import CloseCode, ErrorCode
from server.room.session import Session
from server.rules.messages import Person
from server.storage.base import Joined
from server.storage.people import People

ANOTHER_PLACE = "You have been signed out of chat because you logged in from another location."
NAME_OF_A_MEMBER = "This name belongs to a member of the site, who has just signed in. Choose another one."


class NameClaim(NamedTuple):
    """The wish of a verified user for a place."""

    session: Session
    choose: Callable[[], Person | None]
    """Returns the user with a name that is free now; None if the login was refused."""
    granted: Callable[[Person, "asyncio.Future[Joined]"], None]
    """Called with the user, who is now in the room; the future has what is stored of them, or StorageError."""
    returns: bool
    """The user can log in again as the same person."""
    member: bool


class Attendance:
    """Places in a room of one server: a name that is free there is granted at once."""

    def __init__(self, people: People) -> None:
        self._people = people

    def claim(self, claim: NameClaim) -> None:
        """Choose a name, and let the user in under it."""
        if person := claim.choose():
            claim.granted(person, self._people.joined(person, returns=claim.returns, member=claim.member))

    def leave(self, person: Person, last_message: int) -> None:
        """Give back the place of a person who left, and store the last message that they have seen."""
        self._people.left(person, last_message)


def end_replaced(session: Session, by: Person) -> None:
    """Close a session whose name a new login has: of the same person, or of the member whose name it is."""
    if session.logged_in_person.identity != by.identity:
        session.close(CloseCode.REPLACED, NAME_OF_A_MEMBER, reconnect=False)
        return
    if not session.dialect.explained:
        # BareRTC's clients show no reason of a `disconnect`.
        session.error(ErrorCode.NOTICE, ANOTHER_PLACE)
    session.close(CloseCode.REPLACED, "You logged in from another connection.", reconnect=False)
