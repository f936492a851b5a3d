"""Creates a file that appears under its name once it is complete."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from server.storage.base import StorageError
from server.storage.database_file import PRIVATE, SIDE_FILES


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """Yield the path of a draft, readable only by its owner; it becomes `file` unless the context fails.

    Raises StorageError.
    """
    if not file.name:
        raise StorageError(f"{file} is a folder; name a new file")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        _check_free(file)
        draft.touch(PRIVATE, exist_ok=False)
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        _check_free(file)
        draft.replace(file)
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror}; name a file that you can create") from None
    finally:
        for ending in ("", *SIDE_FILES):
            with suppress(OSError):
                draft.with_name(draft.name + ending).unlink(missing_ok=True)


def _check_free(file: Path) -> None:
    if file.exists():
        raise StorageError(f"{file} already exists; name a new file")
