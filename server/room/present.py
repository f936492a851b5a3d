"""The interface of a person in the room, whose session is on this server or on another one."""

from typing import Protocol

from server.protocol.frames import WhoEntry
from server.rules.messages import Person
from server.rules.ranks import Rank


class Present(Protocol):
    """A person's session, on any server of the room."""

    @property
    def logged_in_person(self) -> Person:
        """The person whose session this is."""

    @property
    def rank(self) -> Rank:
        """The person's current rank."""

    @property
    def dnd(self) -> bool:
        """Return whether the person refuses direct messages."""

    @property
    def is_hidden(self) -> bool:
        """Return whether only operators see this person."""

    @property
    def is_member(self) -> bool:
        """Return whether the person signed in as a member of the site."""

    def who_entry(self, person: Person) -> WhoEntry:
        """Return the entry of the session's person in the who list."""
