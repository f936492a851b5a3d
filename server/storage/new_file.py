"""Creates a file that appears under its name once it is complete."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from server.protocol.replacing import replacing
from server.storage.base import StorageError
from server.storage.database_file import SIDE_FILES


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """Yield the path of a draft, readable only by its owner; it becomes `file` unless the context fails.

    Raises StorageError.
    """
    if not file.name:
        raise StorageError(f"{file} is a folder; name a new file")
    try:
        _check_free(file)
        with replacing(file) as empty, _without_side_files(Path(empty.name)) as draft:
            yield draft
            _check_free(file)
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror}; name a file that you can create") from None


@contextmanager
def _without_side_files(draft: Path) -> Iterator[Path]:
    """Yield the draft; delete the files that SQLite put beside it."""
    try:
        yield draft
    finally:
        for ending in SIDE_FILES:
            with suppress(OSError):
                draft.with_name(draft.name + ending).unlink(missing_ok=True)


def _check_free(file: Path) -> None:
    if file.exists():
        raise StorageError(f"{file} already exists; name a new file")
