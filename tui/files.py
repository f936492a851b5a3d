"""Small files of the user: reading never blocks; writing replaces the whole file or nothing, and follows no link."""

import errno
import os
import stat
from pathlib import Path

from server.protocol.errors import OneLineError

MAX_BYTES = 1 << 20
IRREGULAR = "it is not a regular file"
TOO_LARGE = f"it is larger than {MAX_BYTES >> 20} MB"


class FileError(OneLineError):
    """A file of the user cannot be read or written."""


def read(file: Path, most: int = MAX_BYTES) -> bytes:
    """Return the content of a regular file. Raises OSError if that fails, or if it exceeds `most` bytes.

    Reading a pipe would block until something writes to it, and a device may never end.
    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(errno.EINVAL, IRREGULAR)
    # A pipe may have replaced it in the meantime.
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as opened:
        content = opened.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, TOO_LARGE)
    return content


def write_atomically(file: Path, text: str, *, mode: int = 0o600) -> None:
    """Replace or create a file with this text and mode. Raises OSError if that fails; the file is then unchanged.

    If `file` is a symbolic link, the link is replaced. A device or a pipe is not replaced.
    """
    if _is_special(file):
        raise OSError(errno.EINVAL, IRREGULAR)
    # Imported late: loading it would delay the first frame.
    from server.protocol.replacing import replacing

    with replacing(file) as draft:
        draft.write(text.encode())
        if hasattr(os, "fchmod"):
            os.fchmod(draft.fileno(), mode)


def _is_special(file: Path) -> bool:
    """Return whether a path exists and is neither a regular file nor a symbolic link."""
    try:
        mode = file.lstat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))
