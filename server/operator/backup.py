"""Backs up the database, also while servers write to it."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from server.operator.printing import CommandError
from server.storage.store import Store


def backup(store: Store, file: Path) -> str:
    """Copy the database to a new file, readable only by its owner. Raises OneLineError."""
    if not file.name:
        raise CommandError(f"{str(file)!r} is a directory; name a new file")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        if file.exists():
            raise CommandError(f"{file} already exists; name a new file")
        draft.touch(0o600, exist_ok=False)
        messages = store.back_up(draft)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(file)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return f"{file}: {messages} messages, and all other data. To restore it, see docs/deploy.md."
