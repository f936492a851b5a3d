"""Replaces a file as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """Yield a new file in the same directory, readable only by its owner; it becomes `file` unless the body fails.

    Its name is random and it is opened with O_EXCL, so other users who may write to that directory cannot have planted
    it. Its content is on disk before it is renamed. If `file` is a symbolic link, the link is replaced. Raises OSError.
    """
    draft = file.with_name(f".{file.name}.{os.urandom(4).hex()}")
    # If this fails, there is nothing to delete.
    opened = open(draft, "x+b", opener=_open_privately)  # noqa: SIM115 - closed below
    try:
        with opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def _open_privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
