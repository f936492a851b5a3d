"""What the room needs from whatever keeps its messages."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from server.rules.publications import Draft, Person, Publication

Subscriber = Callable[[Publication], None]


class StorageError(Exception):
    """Messages cannot be stored or read; the text says why, for the operator."""


class Published(NamedTuple):
    """A stored message; not fresh if the same author had sent the same nonce before."""

    publication: Publication
    fresh: bool


class Page(NamedTuple):
    """Messages, oldest first, and whether there are others that belong before them."""

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
        """Call this with every fresh message, after it is stored, in the order of the numbers.

        It is called again with a message that was taken back, after that is stored.
        """

    def publish(self, draft: Draft) -> "asyncio.Future[Published]":
        """Store a message; done after it was handed to the subscribers. StorageError if it could not be stored."""

    async def find(self, msg_id: int) -> Publication | None:
        """The message of this number."""

    async def find_all(self, msg_ids: Sequence[int]) -> list[Publication]:
        """Those of these messages that there are, in the order of their numbers."""

    def take_back(self, msg_id: int, person: Person) -> "asyncio.Future[Publication]":
        """Take a message of this person back; done after it was handed to the subscribers. Refusal, StorageError."""

    async def taken_back(self, person: Person, up_to: int, limit: int) -> list[int]:
        """The numbers, up to one, of the messages a person may read that were taken back; the latest first."""

    async def history(self, channel: str, before: int, limit: int) -> Page:
        """The newest messages of a channel whose number is below `before` (0: no bound)."""

    async def conversation(self, person: Person, other: str, before: int, limit: int) -> Page:
        """The newest direct messages between a person and whoever had that name, as `history`."""

    async def missed(self, person: Person, after: int, limit: int, before: int = 0) -> Page:
        """The newest messages that a person may read whose number is above `after` and below `before` (0: no bound)."""
