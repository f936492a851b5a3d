"""Replacement of small files of the user: all of the new text or all of the old, never through a planted link."""

import os
import tempfile
from pathlib import Path

from server.protocol.errors import OneLineError


class FileError(OneLineError):
    """A file of the user cannot be read or written."""


def write_atomically(file: Path, text: str, *, mode: int = 0o600) -> None:
    """Replace or create a file with this text and mode. Raises OSError and leaves the file unchanged.

    The draft is a new file with a random name in the same directory, opened with O_EXCL and O_NOFOLLOW, so other users
    who may write to that directory cannot have planted it. If `file` is a symbolic link, the link is replaced.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            if hasattr(os, "fchmod"):
                os.fchmod(opened.fileno(), mode)
            os.fsync(opened.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
