"""A database in which the result of a read is late."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from server.storage.fair import SERVER, QueueKey
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase

Result = TypeVar("Result")


class SlowDatabase(SqliteDatabase):
    """A database on which something else happens after a read, before its result is returned."""

    meanwhile: Callable[[], Awaitable[object]] | None = None
    reads = 0

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        found, self.reads = await super().read(work, key), self.reads + 1
        if change := self.meanwhile:
            self.meanwhile = None
            await change()
        return found
