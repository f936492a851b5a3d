"""A whole copy of the database while the server writes to it."""

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from server.operator.errors import CommandError


def backup(connection: sqlite3.Connection, file: Path) -> str:
    """Copy what this connection sees into a new file that only its owner can read. CommandError."""
    if not file.name:
        raise CommandError(f"{str(file)!r} is a directory; name a file that is not there yet")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        if file.exists():
            raise CommandError(f"{file} is there already; name a file that is not")
        draft.touch(0o600, exist_ok=False)
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            # In one step: it is one view of the database, and in WAL mode nobody who writes waits for it.
            connection.backup(copy)
            # One file, whole by itself.
            copy.execute("PRAGMA journal_mode = DELETE")
            # A room that goes on from it counts its messages from here: clients must not take new ones for known.
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
    return f"{file}: {messages} messages, and everything else; docs/deploy.md says how to restore it"
