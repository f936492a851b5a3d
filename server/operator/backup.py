"""Backs up the database, even while servers write to it."""

from pathlib import Path

from server.protocol.wording import counted
from server.storage.store import Store


def backup(store: Store, file: Path) -> str:
    """Copy the database to a new SQLite file, readable only by its owner. Raises StorageError."""
    messages = store.back_up(file)
    return f"{file}: {counted(messages, 'message')}, and all other data. To restore it, see docs/deploy.md."
