"""A room's database as the administrator's commands open it: without an event loop, and even while servers use it."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from server.storage.copying import Numbering
from server.storage.sql import SqlConnection


class Store(Protocol):
    """A database at the place that the settings name. Each method raises StorageError."""

    def transaction(self, *, write: bool = False) -> AbstractContextManager[SqlConnection]:
        """Open a transaction: a read-only snapshot, or with `write` one that is committed unless the context fails.

        Raises StorageError, including when the database fails within the context.
        """

    def locked(self) -> AbstractContextManager[SqlConnection]:
        """Open a snapshot that remains the latest state: no server uses the database, and none can start."""

    def created(self) -> AbstractContextManager[SqlConnection]:
        """Open a transaction in a new, empty database, which exists only once the context has succeeded."""

    def numbering(self, connection: SqlConnection) -> Numbering:
        """Return the IDs and counters of the room."""

    def renumber(self, connection: SqlConnection, numbering: Numbering) -> None:
        """Replace the IDs and counters of the room, after its rows were copied."""

    def erase_traces(self) -> bool:
        """Overwrite deleted data; return False if the server has to do that later."""

    def back_up(self, file: Path) -> int:
        """Write one consistent copy to a new file, as a SQLite database; return the number of its messages.

        Servers can write meanwhile.
        """
