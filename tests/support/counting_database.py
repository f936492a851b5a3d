"""A database that records its reads and counts its writes; its reader can be blocked."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from server.storage.fair import SERVER, QueueKey
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase

Result = TypeVar("Result")
GATE = QueueKey("gate", "gate")


class CountingDatabase(SqliteDatabase):
    """Records the queue key of each read as it starts, and counts the requested writes."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.begun: list[QueueKey] = []
        self.overtaken: list[tuple[QueueKey, int]] = []
        """For each read, the number of others that started while it waited."""
        self.writes = 0

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        before = len(self.begun)

        def counted(connection: SqlConnection) -> Result:
            if key != GATE:
                self.overtaken.append((key, len(self.begun) - before))
                self.begun.append(key)
            return work(connection)

        return await super().read(counted, key)

    def write(self, work: Callable[[SqlConnection], Result]) -> "asyncio.Future[Result]":
        """See Database."""
        self.writes += 1
        return super().write(work)

    def write_soon(self, work: Callable[[SqlConnection], Result]) -> "asyncio.Future[Result]":
        """See Database."""
        self.writes += 1
        return super().write_soon(work)

    @asynccontextmanager
    async def held_up(self) -> AsyncIterator[None]:
        """Delay all reads until the end of the block."""
        opened = threading.Event()
        gate = asyncio.create_task(self.read(lambda _: opened.wait(), GATE))
        await asyncio.sleep(0)
        try:
            yield
        finally:
            opened.set()
            await gate
