"""Backs up the database, also while the server writes to it."""

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from server.operator.printing import CommandError


def backup(connection: sqlite3.Connection, file: Path) -> str:
    """Copy what this connection sees to a new file, readable only by its owner. Raises CommandError."""
    if not file.name:
        raise CommandError(f"{str(file)!r} is a directory; name a new file")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        if file.exists():
            raise CommandError(f"{file} already exists; name a new file")
        draft.touch(0o600, exist_ok=False)
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            # In one step: a consistent snapshot, and in WAL mode it does not block writers.
            connection.backup(copy)
            # No separate WAL file: the copy is complete in itself.
            copy.execute("PRAGMA journal_mode = DELETE")
            # A restored room numbers its messages from here, so clients must not confuse new ones with those they know.
            copy.execute("UPDATE epoch SET name = ?", (secrets.token_hex(8),))
            (messages,) = copy.execute("SELECT count(*) FROM message").fetchone()
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(file)
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"{file} cannot be written: {getattr(error, 'strerror', None) or error}") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return f"{file}: {messages} messages, and all other data. To restore it, see docs/deploy.md."
