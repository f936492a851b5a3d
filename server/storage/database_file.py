"""Guards the database file: readable only by its owner, used by one server, and not moved or deleted in use."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from server.storage.base import StorageError

SIDE_FILES = ("-wal", "-shm")
"""Suffixes of the files that SQLite keeps next to the database while a server runs; both contain data."""
PRIVATE = 0o600
SPECIAL = "not a regular file; choose another one in the settings"
UNLOCK = "make it writable, or choose another Database in the settings"
LOCK_SECONDS = 0.5
"""How long a server waits for the lock, because `server_on` may hold it briefly."""


def is_special(path: str) -> bool:
    """Return whether the path leads to anything but a regular file, such as a device or a directory."""
    try:
        return not stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return False


def create_private(path: str) -> None:
    """Create the file, if it does not exist, readable only by its owner. Raises OSError."""
    # SQLite creates its side files with the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE))


def make_private(path: str) -> None:
    """Restrict the database files to their owner, which earlier versions did not."""
    for file in map(Path, _files(path)):
        # The file of another user keeps its mode; `doctor` warns about it.
        with suppress(FileNotFoundError, PermissionError):
            if file.stat().st_mode & 0o077:
                file.chmod(PRIVATE)


class Holder(NamedTuple):
    """The server that uses a file; `process` is its process ID, None if unknown."""

    process: int | None

    def __str__(self) -> str:
        return "an unknown process" if self.process is None else f"process {self.process}"


class Lock:
    """Marks the file as used by this process; the mark disappears with the process, even after a crash."""

    def __init__(self, path: str) -> None:
        """Lock the file. Raises StorageError if another server uses it, or if the file or its lock cannot be used."""
        # Making a device private, such as /dev/null, would break the machine.
        if is_special(path):
            raise StorageError(f"{path}: {SPECIAL}")
        # Next to the target of a symbolic link, so that all links to it share one lock.
        file = _lock_file(path)
        if not file.parent.is_dir():
            raise StorageError(f"{path}: the folder {file.parent} does not exist; create it")
        self._lock = FileLock(file, mode=PRIVATE)
        try:
            self._lock.acquire(timeout=LOCK_SECONDS)
            file.write_text(f"{os.getpid()}\n", encoding="ascii")
        except Timeout:
            raise StorageError(f"{path} is used by another server ({_holder(file)}); stop that one first") from None
        except OSError as error:
            raise StorageError(f"{path}: its lock {file} cannot be written: {error.strerror}; {UNLOCK}") from None

    def release(self) -> None:
        """Let another server use the file."""
        self._lock.release()


def server_on(path: str) -> Holder | None:
    """Return the server that uses the file now; None if there is none."""
    file = _lock_file(path)
    if not file.exists():
        return None
    try:
        with FileLock(file).acquire(timeout=0):
            return None
    except Timeout:
        return _holder(file)
    except OSError:
        return None


class OpenFiles:
    """The files as they were when the database was opened. SQLite does not notice if they are deleted."""

    def __init__(self, path: str) -> None:
        """Create the object once the database has been written to, so that all files exist. Raises OSError."""
        self._opened = [(file, _identity(file)) for file in _files(path)]

    def problem(self) -> str | None:
        """Return which file was replaced or removed, so that new data would be lost, and what to do; or None."""
        for path, identity in self._opened:
            try:
                if _identity(path) == identity:
                    continue
                what = "was replaced"
            except FileNotFoundError:
                what = "was deleted or moved"
            except OSError as error:
                what = f"cannot be accessed ({error.strerror})"
            return f"{path} {what} while the server runs; stop the server, restore the file, and start the server"
        return None


class _Identity(NamedTuple):
    device: int
    inode: int


def _identity(path: str) -> _Identity:
    found = os.stat(path)  # noqa: PTH116 - after every commit, and four times as fast as by a Path
    return _Identity(found.st_dev, found.st_ino)


def _files(path: str) -> list[str]:
    # SQLite follows symbolic links, and creates its other files next to the target.
    real = os.path.realpath(path)
    return [path, *(real + ending for ending in SIDE_FILES)]


def _lock_file(path: str) -> Path:
    # Not named like `chat.sqlite3*`, because people delete or move these files together.
    # A Path raises RuntimeError for links that lead in a circle, before opening the file fails.
    real = Path(os.path.realpath(path))
    return real.with_name(f".{real.name}.lock")


def _holder(file: Path) -> Holder:
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        text = ""
    return Holder(int(text) if text.isdecimal() else None)
