"""Log files of messages: one for each channel and person that the administrator chose in the settings.

A thread writes them, so that a slow disk delays nobody. Each message is one line, whatever it contains. A reload
reopens the files, so that they can be rotated.
"""

import logging
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple
from urllib.parse import quote

from server.protocol import names
from server.rules.messages import Publication
from server.settings import Logging, SettingsError
from server.storage.events import MessageChange

MAX_NAME = 100
"""Maximum length of a name in a file name. A longer one is cut, and completed with a hash."""
FOLDERS = ("channels", "people")

log = logging.getLogger(__name__)


class _Line(NamedTuple):
    path: Path
    text: str


class _Reopen(NamedTuple):
    """A request to close all files; the next lines open them again."""


class MessageLog:
    """The files of a running server; nothing is written before `configure`."""

    def __init__(self) -> None:
        self._settings = Logging()
        self._people: frozenset[str] = frozenset()
        self._waiting: SimpleQueue[_Line | _Reopen | None] = SimpleQueue()
        self._files: dict[Path, int] = {}
        self._failing: set[Path] = set()
        self._thread = threading.Thread(target=self._write, name="message-log", daemon=True)
        self._thread.start()

    def configure(self, settings: Logging) -> None:
        """Apply new settings, and reopen the files."""
        self._settings = settings
        self._people = frozenset(map(names.key, settings.usernames))
        self._waiting.put(_Reopen())

    def on_news(self, news: Sequence[MessageChange]) -> None:
        """Queue new messages to be written. Called by the broker."""
        if self._settings.enabled:
            for each in news:
                if each.reaction is None and not each.publication.taken_back:
                    for path in self._paths(each.publication):
                        self._waiting.put(_Line(path, _line(each)))

    def close(self) -> None:
        """Write all queued messages, and close the files."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _paths(self, publication: Publication) -> Iterator[Path]:
        folder = Path(self._settings.directory)
        if publication.peer is None and publication.channel in self._settings.channels:
            yield folder / FOLDERS[0] / file_name(publication.channel)
        if names.key(publication.author.name) in self._people:
            yield folder / FOLDERS[1] / file_name(names.key(publication.author.name))

    def _write(self) -> None:
        while (item := self._waiting.get()) is not None:
            if isinstance(item, _Line):
                self._append(item)
            else:
                self._close_files()
        self._close_files()

    def _append(self, line: _Line) -> None:
        try:
            if line.path not in self._files:
                self._files[line.path] = _opened(line.path)
            os.write(self._files[line.path], line.text.encode(errors="backslashreplace"))
        except OSError as error:
            # Opened again for the next line, because the disk may have been mounted again.
            if line.path in self._files:
                _close(self._files.pop(line.path))
            if line.path not in self._failing:
                self._failing.add(line.path)
                extra = {"file": str(line.path), "error": error.strerror or str(error)}
                log.error("messages cannot be logged; free space, or correct the permissions", extra=extra)
        else:
            self._failing.discard(line.path)

    def _close_files(self) -> None:
        while self._files:
            _close(self._files.popitem()[1])


def prepare(settings: Logging) -> None:
    """Create the directories of the log files, if messages are logged. Raises SettingsError."""
    for folder in FOLDERS if settings.enabled else ():
        path = Path(settings.directory) / folder
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            why = error.strerror or str(error)
            raise SettingsError(f"Logging.Directory: {path} cannot be created: {why}; choose another one") from None


def file_name(name: str) -> str:
    """Return a file name for a channel or person. It cannot lead out of the folder, whatever the name contains."""
    safe = quote(name, safe="").replace(".", "%2E").replace("~", "%7E")
    if len(safe) > MAX_NAME:
        safe = f"{safe[:MAX_NAME]}-{blake2b(name.encode(), digest_size=8).hexdigest()}"
    return f"{safe}.log"


def _opened(path: Path) -> int:
    """Open a file to append to, readable by the server's user only. A link in its place is refused."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    number = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError("not a regular file")
    if os.name == "posix":
        os.fchmod(number, 0o600)
    return number


def _close(number: int) -> None:
    with suppress(OSError):
        os.close(number)


def _line(change: MessageChange) -> str:
    publication = change.publication
    at = publication.edited_at or publication.at
    to = f" to {publication.peer.name}" if publication.peer else ""
    said = f"{'(edited) ' if change.edited else ''}{publication.text}"
    return f"{at:%Y-%m-%d %H:%M:%S} {_in_one_line(f'[{publication.author.name}{to}] {said}')}\n"


def _in_one_line(text: str) -> str:
    r"""Return a text in one line: a line break is \n, other control characters are escaped, and so is \ itself."""
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(char if char.isprintable() and char != "\\" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return {"\n": "\\n", "\\": "\\\\", "\t": "\\t"}.get(char) or char.encode("unicode_escape").decode()
