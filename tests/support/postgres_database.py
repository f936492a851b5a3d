"""Open databases in PostgreSQL, and what tests write to them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from server.rules.messages import MessageDraft, Person
from server.storage import messages
from server.storage.base import Published
from server.storage.events import StoredChange
from server.storage.postgres.database import PostgresDatabase
from server.storage.sql import SqlConnection

ANN = Person("ann", "ann-id")
WAIT_SECONDS = 30.0


class Server:
    """A database as one server of the room has it open, and what it heard."""

    def __init__(self, url: str) -> None:
        self.database = PostgresDatabase(url)
        self.heard: list[str] = []
        self.losses = 0
        self.database.hear(StoredChange, self._hear)
        self.database.lost = self._lose

    def _hear(self, changes: Sequence[StoredChange]) -> None:
        self.heard += [change.publication.text for change in changes]

    def _lose(self) -> None:
        self.losses += 1

    def say(self, text: str, nonce: str | None = None) -> "asyncio.Future[Published]":
        """Store a message by the general path."""
        return self.database.write(saying(text, nonce))

    def publish(self, text: str, nonce: str | None = None) -> "asyncio.Future[Published]":
        """Store a message by the function of the database."""
        return self.database.publish(MessageDraft(ANN, "lobby", None, text, nonce))

    async def texts(self) -> list[str]:
        """Return the texts of all messages."""
        query = "SELECT text FROM message ORDER BY id"
        return [text for (text,) in await self.database.read(lambda connection: connection.execute(query).fetchall())]


def saying(text: str, nonce: str | None = None) -> Callable[[SqlConnection], Published]:
    """Return the work that stores a message."""
    draft = MessageDraft(ANN, "lobby", None, text, nonce)

    def work(connection: SqlConnection) -> Published:
        published = messages.insert(draft, connection.now, connection)
        if published.fresh:
            connection.announce(StoredChange(published.publication))
        return published

    return work


@asynccontextmanager
async def servers(*urls: str) -> AsyncIterator[list[Server]]:
    """Open a database at each URL; close them all."""
    opened = [Server(url) for url in urls]
    try:
        yield opened
    finally:
        for each in opened:
            await each.database.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)
