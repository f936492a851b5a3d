"""Values passed to and returned by the storage of messages."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from server.protocol.errors import OneLineError
from server.rules.messages import Person, Publication
from server.rules.search import Query
from server.storage.events import MessageChange
from server.storage.fair import SERVER, QueueKey
from server.storage.sql import SqlConnection

MAX_PAGE_BYTES = 192 * 1024
"""Maximum size of a page of messages. A client with 256 KiB of unread data is disconnected."""

MAX_REACTED_BYTES = 32 * 1024
"""Maximum size of the reactions to earlier messages that are sent with a page."""


MAX_EDITED_BYTES = 32 * 1024
"""Maximum size of the texts of earlier messages that are sent with a page."""


class StorageError(OneLineError):
    """The storage cannot be used; the text is for the administrator."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"Database: {problem}")


Subscriber = Callable[[Sequence[MessageChange]], None]


class Published(Struct, frozen=True):
    """A stored message; not `fresh` if the same author sent the same nonce before."""

    publication: Publication
    fresh: bool
    withheld: bool = False
    """The message is delivered only to its author."""


Recorder = Callable[[SqlConnection, Publication], None]
"""Stores a report of a message in the transaction that stores the message."""


class Reader(NamedTuple):
    """A person who reads messages, the channels they can read, the identities hidden from them, and their queue key."""

    person: Person
    channels: Sequence[str]
    hidden: Sequence[str] = ()
    queue_key: QueueKey = SERVER


class Marker(NamedTuple):
    """The last message that a person has read in a place. If it is `closed`, only a later message shows it again."""

    channel: str
    msg_id: int
    closed: bool = False


class Page(NamedTuple):
    """Messages, oldest first, of at most MAX_PAGE_BYTES; `more`: the request matches messages beyond these."""

    publications: Sequence[Publication]
    more: bool


class Joined(NamedTuple):
    """The stored data about a person who joins."""

    last_message: int | None
    """The number of the last message that they may have received before; None if they are new."""
    read_from: int
    """Number of the last message before they first joined: everything up to it counts as read."""
    changes: int
    """The number of changes of stored messages, see the table message_changes."""


class Recent:
    """The newest messages of some channels, in order. Shared by everyone who joins, so immutable."""

    def __init__(self, publications: Sequence[Publication], last: Mapping[str, int]) -> None:
        """`last` has the number of the last message of each channel that has any."""
        self.publications = publications
        self.last = last


Wanted = tuple[tuple[str, int], ...]
"""Channels, each with the number of newest messages to return."""


class Search(NamedTuple):
    """A search in a channel, or everywhere if it is empty, for messages with numbers below `before` (0: no bound)."""

    query: Query
    channel: str
    before: int
    limit: int


class Found(NamedTuple):
    """A page of results; `searched_to`: the number above which messages were examined, 0 if all were."""

    page: Page
    searched_to: int = 0
