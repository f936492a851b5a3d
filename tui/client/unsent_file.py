"""The files of unsent drafts, messages and reports: one for each person at each server, written after each change."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from tui import files
from tui.client.unsent import MAX_BYTES, VERSION, Unsent

SOON_SECONDS = 0.3
"""Delay between a change and saving it, which combines changes."""
SUFFIX = ".json"


class Owner(NamedTuple):
    """A person: their identity at a server, or the name used at an address where there are no identities."""

    server: str
    identity: str


class UnsentFile:
    """Saves what `collect` returns, in the file of its owner, who is known after the login."""

    def __init__(self, collect: Callable[[], Unsent], folder: Callable[[], Path] | None = None) -> None:
        self._collect, self._folder = collect, folder or _folder
        self._file: Path | None = None
        self._saved = self._latest = b""
        self._lock = threading.Lock()
        """Held while the latest content is written: here, or in a thread, which may start late."""
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self.problem: str | None = None
        """Why the last save failed, in one line; None if it did not."""

    @property
    def is_open(self) -> bool:
        """Return whether the owner is known."""
        return self._file is not None

    def open(self, owner: Owner) -> Unsent:
        """Save under this owner from now on; return what was saved for them."""
        self._file = self._path(owner)
        found = _read(self._file)
        self._saved = b"" if found is None else encoded(found)
        if found is None and self._file.exists():
            # Written by a later version, or damaged: it is left as it is.
            self._file, self.problem = None, f"{self._file} cannot be read; move it away"
        return found or Unsent()

    def remove(self, owner: Owner) -> Unsent:
        """Delete what was saved under an owner without an identity, and return it."""
        file = self._path(owner)
        found = _read(file)
        if found:
            with suppress(OSError):
                file.unlink()
        return found or Unsent()

    def changed(self) -> None:
        """Schedule a save."""
        if self._file and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON_SECONDS, self._begin)

    def save(self, owner: Owner | None = None) -> None:
        """Save now; `owner` applies if none is known yet."""
        self._stop()
        unsent = self._collect()
        if self._file is None and owner and not unsent.is_empty and not self.problem:
            unsent = self.open(owner).joined(unsent)
        self._latest = encoded(unsent)
        self._write()

    async def close(self, owner: Owner | None = None) -> None:
        """Wait for the save in progress, then save."""
        self._stop()
        if self._writing:
            await asyncio.gather(self._writing, return_exceptions=True)
        self.save(owner)

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _begin(self) -> None:
        self._timer = None
        if self._writing and not self._writing.done():
            self.changed()
        elif (content := encoded(self._collect())) != self._saved:
            self._latest = content
            self._writing = asyncio.create_task(asyncio.to_thread(self._write))

    def _write(self) -> None:
        with self._lock:
            content = self._latest
            if self._file and content != self._saved:
                self._replace(self._file, content)

    def _replace(self, file: Path, content: bytes) -> None:
        try:
            if content:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                files.write_atomically(file, content.decode())
            else:
                file.unlink(missing_ok=True)
        except OSError as error:
            self.problem = f"{file}: {error.strerror or error}"
        else:
            self._saved, self.problem = content, None

    def _path(self, owner: Owner) -> Path:
        return self._folder() / f"{sha256(repr(owner).encode()).hexdigest()[:32]}{SUFFIX}"


def encoded(unsent: Unsent) -> bytes:
    """Return the content of the file; empty if there is nothing to save."""
    return b"" if unsent.is_empty else msgspec.json.encode(unsent)


def _read(file: Path) -> Unsent | None:
    """Return the content of a file; None if it is missing or unusable."""
    try:
        found = msgspec.json.decode(files.read(file, 2 * MAX_BYTES), type=Unsent)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.version == VERSION else None


def _folder() -> Path:
    # Imported late: the first frame does not need it.
    import platformdirs

    return platformdirs.user_state_path("flagpost", appauthor=False) / "unsent"
