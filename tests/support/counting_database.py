"""A database that records its reads and counts its writes; its reader can be blocked."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from server.storage.database import Database
from server.storage.fair import SERVER, Turn

Result = TypeVar("Result")
GATE = Turn("gate", "gate")


class CountingDatabase(Database):
    """Records the turn of each read as it starts, and counts the requested writes."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.begun: list[Turn] = []
        self.overtaken: list[tuple[Turn, int]] = []
        """For each read, the number of others that started while it waited."""
        self.writes = 0

    async def read(self, work: Callable[[sqlite3.Connection], Result], turn: Turn = SERVER) -> Result:
        """See Database."""
        before = len(self.begun)

        def counted(connection: sqlite3.Connection) -> Result:
            if turn != GATE:
                self.overtaken.append((turn, len(self.begun) - before))
                self.begun.append(turn)
            return work(connection)

        return await super().read(counted, turn)

    def write(
        self,
        work: Callable[[sqlite3.Connection], Result],
        stored: Callable[[Sequence[Result]], None] | None = None,
    ) -> "asyncio.Future[Result]":
        """See Database."""
        self.writes += 1
        return super().write(work, stored)

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
