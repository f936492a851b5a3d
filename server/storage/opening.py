"""Opens a room's database at the place that the settings name: a file, or the URL of a PostgreSQL database."""

from server.settings.database_url import is_url
from server.storage.base import StorageError
from server.storage.database import Database
from server.storage.pending import Committed
from server.storage.sqlite_database import SqliteDatabase
from server.storage.sqlite_store import SqliteStore
from server.storage.store import Store

DRIVER = (
    "it needs PostgreSQL's driver; in a clone of Flagpost run: pipx install --force '.[cluster]', or in a virtual"
    " environment: pip install '.[cluster]'"
)


def open_database(place: str, committed: Committed) -> Database:
    """Open the database for a server, on its loop. Raises StorageError."""
    if not is_url(place):
        return SqliteDatabase(place, committed)
    try:
        # Imported late: it takes a while to load, and only some rooms need it.
        from server.storage.postgres.database import PostgresDatabase
    except ImportError:
        raise StorageError(f"{place}: {DRIVER}") from None
    return PostgresDatabase(place, committed)


def open_store(place: str) -> Store:
    """Return the database for commands, without opening it yet. Raises StorageError."""
    if not is_url(place):
        return SqliteStore(place)
    try:
        from server.storage.postgres.store import PostgresStore
    except ImportError:
        raise StorageError(f"{place}: {DRIVER}") from None
    return PostgresStore(place)
