"""A person whose connection is on another server of the room."""

from server.protocol.frames import WhoEntry
from server.rules.messages import Person
from server.rules.ranks import Rank
from server.rules.statuses import HIDDEN
from server.storage.events import EntryChanged, PersonEntered
from server.storage.fair import QueueKey


class Elsewhere:
    """A session on another server, with the state that its server has announced."""

    def __init__(self, entered: PersonEntered) -> None:
        self.logged_in_person = entered.person
        self.node = entered.node
        self.number = entered.session
        self.rank: Rank = entered.rank
        self.is_member = entered.member
        self._entry = entered.entry

    @property
    def dnd(self) -> bool:
        """See Present."""
        return self._entry.dnd

    @property
    def is_hidden(self) -> bool:
        """See Present."""
        return self._entry.status == HIDDEN

    def who_entry(self, person: Person) -> WhoEntry:
        """See Present."""
        del person
        return self._entry

    @property
    def queue_key(self) -> QueueKey:
        """Scheduling key of this server's reads for the person."""
        return QueueKey(self.logged_in_person.identity, self.number)

    def change(self, changed: EntryChanged) -> None:
        """Apply an announced change."""
        self.rank, self._entry = changed.rank, changed.entry
