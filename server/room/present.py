"""Somebody in the room: a session of this server, or what this server knows of a session elsewhere."""

from typing import Protocol

from server.protocol.frames import WhoEntry
from server.rules.messages import Person
from server.rules.ranks import Rank


class Present(Protocol):
    """What everyone can be asked, wherever their connection is."""

    @property
    def logged_in_person(self) -> Person:
        """The person."""

    @property
    def rank(self) -> Rank:
        """The person's rights now."""

    @property
    def dnd(self) -> bool:
        """Return whether the person refuses direct messages."""

    @property
    def is_hidden(self) -> bool:
        """Return whether only operators see this person."""

    @property
    def is_member(self) -> bool:
        """Return whether the site says who this person is."""

    def who_entry(self, person: Person) -> WhoEntry:
        """Return the entry in the who list."""
