"""A room's database as the administrator's commands open it: without an event loop, beside the servers that use it."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from server.storage.sql import SqlConnection


class Store(Protocol):
    """A database at the place that the settings name."""

    def transaction(self, *, write: bool = False) -> AbstractContextManager[SqlConnection]:
        """Open a transaction: of one snapshot, or with `write` one that is committed unless the context fails.

        Raises StorageError, also for a failure within the context.
        """

    def erase_traces(self) -> bool:
        """Overwrite what was deleted; return False if that has to wait for the server."""

    def back_up(self, file: Path) -> int:
        """Write one consistent copy to an empty file, as a SQLite database; return the number of its messages.

        Servers can go on writing. Raises StorageError.
        """
