"""The interface of a database: one server's SQLite file, or a PostgreSQL database that several servers share."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from server.rules.messages import MessageDraft
from server.storage.base import Published
from server.storage.events import Event
from server.storage.fair import SERVER, QueueKey
from server.storage.journal import Kind
from server.storage.sql import SqlConnection

Result = TypeVar("Result")


class StoredRoom(NamedTuple):
    """The identifiers of a stored room; `last_message` is the number of its last message, `server` its stable ID."""

    epoch: str
    last_message: int
    server: str
    id_key: str
    """The key from which the IDs of people for the site are derived, see `rules.person_ids`."""


class NodeHealth(NamedTuple):
    """The health of a server that shares its database; durations are in seconds."""

    beat_age: float
    """Time since the database last confirmed that this server belongs to the room."""
    locks: int
    """Number of times that it has held the lock of the room."""
    locked: float
    """Total time for which it has held that lock."""
    longest_lock: float
    """The longest time for which it held the lock within the last minutes."""
    news_behind: int
    """Number of committed events that it has not received yet, as far as it knows."""
    news_age: float
    """Time since the oldest of these was committed; 0 if it has received all."""
    fenced: bool
    """The other servers have removed it, so it writes nothing more, and stops."""
    database_down: bool
    """The database refuses connections or is not ready, so other servers probably cannot use it either."""


class Database(Protocol):
    """An open database. Create, use and close it on one event loop."""

    @property
    def room(self) -> StoredRoom:
        """The room as it was when the database was opened."""

    @property
    def node(self) -> str:
        """The ID of this server among those that share the database; empty for a database of one server."""

    lost: Callable[[], None]
    """Called once if the other servers have removed this one, or a thread has failed: it stores and answers nothing any
    more, and must stop."""

    def now(self) -> int:
        """Return the time in milliseconds, by the clock that all servers of this database share."""

    def hear(self, kind: type[Kind], listener: Callable[[Sequence[Kind]], None]) -> None:
        """Call `listener` with the events of a kind that any server announces, once they are committed.

        Listeners are called on the loop, in the order of the events. Events of one kind that follow each other in a
        commit are passed in one call. Register before the first write.
        """

    def announce_aside(self, event: Event) -> None:
        """Announce an event to all servers at once, without a commit; it may be lost, or overtake other events."""

    def write(self, work: Callable[[SqlConnection], Result]) -> "asyncio.Future[Result]":
        """Run `work` in a transaction. Completes once its commit is on disk and its events are delivered.

        `work` may run several times until it is committed. It may raise a Refusal before its first write. Raises
        StorageError.
        """

    def write_soon(self, work: Callable[[SqlConnection], Result]) -> "asyncio.Future[Result]":
        """Run `work` like `write`, but wait a few milliseconds for other writes to share its commit."""

    def publish(self, draft: MessageDraft) -> "asyncio.Future[Published]":
        """Store and announce a message, like a write of `messages.publish`."""

    def write_aside(self, work: Callable[[SqlConnection], Result]) -> None:
        """Run `work` like `write`, but without waiting; a failure is only logged.

        During an outage of a database that servers share, it waits until the database is back.
        """

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """Run `work` in a fair queue, in which users take turns by `key`. Raises StorageError.

        If the caller is cancelled while it waits, the work never starts.
        """

    def health(self) -> NodeHealth | None:
        """Return the health of this server; None for a database of one server."""

    async def close(self) -> None:
        """Finish all waiting work, then close."""
