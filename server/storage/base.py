"""The interface of message storage."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from server.protocol.errors import OneLineError
from server.protocol.frames import NewText, PlaceEntry, Reactions
from server.rules.messages import MessageAccess, MessageDraft, Person, Publication
from server.rules.reactions import ReactionChange
from server.rules.search import Query
from server.storage.events import StoredChange
from server.storage.fair import SERVER, QueueKey
from server.storage.sql import SqlConnection

MAX_PAGE_BYTES = 192 * 1024
"""Maximum size of the messages in a frame. A client with 256 KiB of unread data is disconnected."""

MAX_REACTED_BYTES = 32 * 1024
"""Maximum size of the reactions to earlier messages that are sent along with such a page."""


MAX_EDITED_BYTES = 32 * 1024
"""Maximum size of the texts of earlier messages that are sent along with such a page."""


class StorageError(OneLineError):
    """The storage cannot be used; the text is for the administrator."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"Database: {problem}")


Subscriber = Callable[[Sequence[StoredChange]], None]


class Published(NamedTuple):
    """A stored message; not `fresh` if the same author sent the same nonce before."""

    publication: Publication
    fresh: bool
    withheld: bool = False
    recorded: bool = True
    """False if it is only in memory."""
    """It is delivered to nobody but its author."""


Recorder = Callable[[SqlConnection, Publication], None]
"""Stores something about a message in the transaction that stores the message."""


class Reader(NamedTuple):
    """The person who reads, the channels that exist, the identities hidden from them, and their place in the queue."""

    person: Person
    channels: Sequence[str]
    hidden: Sequence[str] = ()
    queue_key: QueueKey = SERVER


class Marker(NamedTuple):
    """How far a person has read a channel or conversation; `closed`: it is not listed until it has a later message."""

    channel: str
    msg_id: int
    closed: bool = False


class Page(NamedTuple):
    """Messages, oldest first, and whether there are older ones. At most MAX_PAGE_BYTES."""

    publications: Sequence[Publication]
    more: bool


class Joined(NamedTuple):
    """What is stored of a person who joins."""

    last_message: int | None
    """The last message that they may have received before; None if they are new."""
    read_from: int
    """The number up to which everything counts as read: what was said before they first joined."""
    changes: int
    """How often what messages show has changed."""


class Recent:
    """The newest messages of some channels, in order. Shared by those who join, and never changed."""

    def __init__(self, publications: Sequence[Publication], last: Mapping[str, int]) -> None:
        """`last` has the number of the last message of each channel that has any."""
        self.publications = publications
        self.last = last


Wanted = tuple[tuple[str, int], ...]
"""Channels, and how many of their newest messages."""


class Search(NamedTuple):
    """What to search for, and where: in a channel, or everywhere if it is empty; below `before` (0: no bound)."""

    query: Query
    channel: str
    before: int
    limit: int


class Found(NamedTuple):
    """A page of results; `searched_to`: the number above which messages were examined, 0 if all were."""

    page: Page
    searched_to: int = 0


class Broker(Protocol):
    """Stores, numbers and delivers messages. What it has delivered or confirmed survives a crash."""

    @property
    def epoch(self) -> str:
        """The ID of the current numbering; changes if the database is replaced."""

    @property
    def delivered(self) -> int:
        """The number of the last message delivered to subscribers, or stored before the start; 0 if there is none."""

    def subscribe(self, subscriber: Subscriber) -> None:
        """Deliver every new message, in the order of the numbers, and every change of a message, once it is stored.

        All news of one commit is delivered in one call.
        """

    def publish(self, draft: MessageDraft, record: Recorder | None = None) -> "asyncio.Future[Published]":
        """Store a message. Completes after it was delivered to the subscribers. Raises StorageError.

        `record` is called for a fresh message, in the same transaction.
        """

    async def find_all(self, msg_ids: Sequence[int], key: QueueKey = SERVER) -> list[Publication]:
        """Return those of these messages that exist, in the order of their numbers."""

    async def texts_by(self, reader: Reader, author: str, channel: str) -> list[tuple[int, str]]:
        """Return number and text of the latest messages by everyone who had this name, the latest first."""

    def take_back(self, msg_id: int, person: Person, access: MessageAccess) -> "asyncio.Future[Publication]":
        """Delete a message of this person; an operator can delete those of others.

        Completes after the change was delivered to the subscribers. Raises Refusal or StorageError.
        """

    async def taken_back(self, reader: Reader, up_to: int, limit: int) -> list[int]:
        """Return the numbers of deleted messages up to `up_to` that the reader may read; the latest first."""

    def edit(
        self, msg_id: int, person: Person, text: str, access: MessageAccess, record: Recorder | None = None
    ) -> "asyncio.Future[Publication]":
        """Replace the text of a message of this person; `record` as in `publish`. Otherwise like `take_back`."""

    async def edited(self, reader: Reader, up_to: int, limit: int) -> list[NewText]:
        """Return the texts of edited messages up to `up_to` that the reader may read; the latest change first.

        Reads only slightly more than MAX_EDITED_BYTES.
        """

    def react(self, change: ReactionChange, access: MessageAccess) -> "asyncio.Future[Publication]":
        """Add or remove a reaction; returns the message as it was before. Otherwise like `take_back`."""

    async def reacted(self, reader: Reader, up_to: int, limit: int) -> list[Reactions]:
        """Return changed reactions to messages up to `up_to` that the reader may read; the latest change first.

        Reads only slightly more than MAX_REACTED_BYTES.
        """

    async def history(self, reader: Reader, channel: str, before: int, limit: int) -> Page:
        """Return the newest messages of a channel with a number below `before` (0: no bound).

        For `@username`: those between the reader and everyone who has had that name.
        """

    async def following(self, reader: Reader, channel: str, after: int, before: int, limit: int) -> Page:
        """Return the oldest messages above `after` and below `before` (0: no bound); `more`: there are newer ones."""

    async def places(self, reader: Reader, before: int) -> list[PlaceEntry]:
        """Return those of these channels that have messages below `before`, and the reader's latest conversations."""

    def mark_read(self, identity: str, marker: Marker) -> "asyncio.Future[Marker | None]":
        """Store how far a person has read; returns None if nothing changed. Raises StorageError."""

    async def numbers(self, reader: Reader, channel: str, before: int, limit: int) -> list[int]:
        """Return the numbers of the messages that `history` would return without a limit of bytes, in order."""

    async def recent(self, wanted: Wanted, before: int, changes: int) -> Recent:
        """Return the newest messages below `before` for readers with nothing hidden from them; in memory if possible.

        They are as they were when the number of changes was `changes`, or newer.
        """

    async def recent_for(self, reader: Reader, wanted: Wanted, before: int) -> Recent:
        """Return the newest messages below `before` that are not hidden from a reader."""

    async def missed(self, reader: Reader, after: int, limit: int, before: int = 0) -> Page:
        """Return the newest readable messages with a number above `after` and below `before` (0: no bound)."""

    async def received(self, reader: Reader, after: int, limit: int, before: int = 0) -> Page:
        """Like `missed`, but only direct messages to that person."""

    def delivered_to(self, person: Person, msg_ids: Sequence[int]) -> None:
        """Forget the direct messages that waited for a person, and have been delivered now."""

    def clear_direct(self, identity: str) -> "asyncio.Future[int]":
        """Delete all direct messages that a person sent or received; return how many. Raises StorageError."""

    async def search(self, reader: Reader, search: Search) -> Found:
        """Return the newest readable messages that match."""
