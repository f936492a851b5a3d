"""What the room needs from whatever keeps its messages."""

import asyncio
from collections.abc import Callable, Container, Sequence
from typing import NamedTuple, Protocol

from server.protocol.frames import Reactions
from server.rules.messages import Draft, Person, Publication
from server.rules.reactions import ReactionChange
from server.rules.search import Query
from server.storage.fair import SERVER, Turn

MAX_PAGE_BYTES = 192 * 1024
"""Messages in one frame; a client that has 256 KiB unread is cut off, and would be again at each new try."""

MAX_REACTED_BYTES = 32 * 1024
"""Reactions under earlier messages, beside such a page."""


class StorageError(Exception):
    """Messages cannot be stored or read; the text says why, for the operator."""


class News(NamedTuple):
    """A message was stored or taken back, or its reactions changed."""

    publication: Publication
    reaction: ReactionChange | None = None


Subscriber = Callable[[Sequence[News]], None]


class Published(NamedTuple):
    """A stored message; not fresh if the same author had sent the same nonce before."""

    publication: Publication
    fresh: bool


class Reader(NamedTuple):
    """Who reads, whose messages they are not shown (identities), and by whose turn."""

    person: Person
    hidden: Sequence[str] = ()
    turn: Turn = SERVER


class Page(NamedTuple):
    """Messages, oldest first, and whether there are others that belong before them.

    No more are read than fit into MAX_PAGE_BYTES.
    """

    publications: list[Publication]
    more: bool


class Broker(Protocol):
    """Stores, numbers and hands out messages; what it has handed out or confirmed is not lost by a crash."""

    @property
    def epoch(self) -> str:
        """Names the life of the numbering."""

    @property
    def delivered(self) -> int:
        """The number of the last message that was handed to the subscribers, or stored before this life; or 0."""

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call this with every fresh message in the order of the numbers, and every change of one, once stored.

        What shares a commit comes at once.
        """

    def publish(self, draft: Draft) -> "asyncio.Future[Published]":
        """Store a message; done after it was handed to the subscribers. StorageError if it could not be stored."""

    async def find_all(self, msg_ids: Sequence[int], turn: Turn = SERVER) -> list[Publication]:
        """Those of these messages that there are, in the order of their numbers."""

    def take_back(self, msg_id: int, person: Person, apart: Container[str]) -> "asyncio.Future[Publication]":
        """Take a message of this person back, for whom there is nothing of those they are apart from (identities).

        Done after it was handed to the subscribers. Refusal, StorageError.
        """

    async def taken_back(self, reader: Reader, up_to: int, limit: int) -> list[int]:
        """The numbers, up to one, of the messages a person may read that were taken back; the latest first."""

    def react(self, change: ReactionChange, apart: Container[str]) -> "asyncio.Future[Publication]":
        """Put an emoji under a message, or take it away; the message as it was before. As `take_back`."""

    async def reacted(self, reader: Reader, up_to: int, limit: int) -> list[Reactions]:
        """The reactions that changed, under messages up to a number that a person may read; the latest change first.

        No more are read than could fit into MAX_REACTED_BYTES.
        """

    async def history(self, reader: Reader, channel: str, before: int, limit: int) -> Page:
        """The newest messages of a channel whose number is below `before` (0: no bound).

        `@username`: those between the reader and whoever had that name.
        """

    async def numbers(self, reader: Reader, channel: str, before: int, limit: int) -> list[int]:
        """The numbers, in order, of the messages that `history` shows without a limit of bytes."""

    async def missed(self, reader: Reader, after: int, limit: int, before: int = 0) -> Page:
        """The newest messages that a person may read whose number is above `after` and below `before` (0: no bound)."""

    async def received(self, reader: Reader, after: int, limit: int, before: int = 0) -> Page:
        """As `missed`, but only direct messages to that person."""

    async def search(self, reader: Reader, query: Query, channel: str, before: int, limit: int) -> Page:
        """The newest messages that a person may read and that hold every word; of one channel, if that is not empty."""
