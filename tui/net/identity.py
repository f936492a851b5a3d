"""Stores the keys that prove the identity of a name at an address, for the next start of the client."""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec
import platformdirs
from msgspec import Struct

from server.protocol.proof import KEY_BYTES
from tui import files
from tui.net.client_session import EnrolledKey, Keys

UNREADABLE = ".unreadable"
"""Suffix of a file of keys that was moved aside because it cannot be read."""


class _Stored(Struct):
    """The content of a file of keys."""

    last_identity: str
    servers: dict[str, tuple[EnrolledKey, ...]]


class KeyFiles(NamedTuple):
    """The files of a name's keys at an address; implements `KeyStore`."""

    server: Path
    """The file with the ID of the server last used at the address."""
    keys: Path | None
    """The file with the keys; None if another client uses them, or nothing can be saved."""
    release: Callable[[], None]

    @property
    def keeps_keys(self) -> bool:
        """See KeyStore."""
        return self.keys is not None

    def load(self) -> Keys:
        """Return the stored keys; empty `Keys` if there are none."""
        keys = Keys(_text(self.server), store=self)
        if self.keys and (stored := _read(self.keys)):
            keys.last_identity, keys.servers = stored.last_identity, stored.servers
        elif self.keys:
            # Moved aside, not overwritten by the next save: a later version may have written the file.
            with suppress(OSError):
                self.keys.replace(self.keys.with_suffix(UNREADABLE))
        return keys

    def save(self, keys: Keys) -> None:
        """See KeyStore; a key that cannot be saved is valid for this start only."""
        with suppress(OSError):
            if self.keys:
                stored = msgspec.json.encode(_Stored(keys.last_identity, keys.servers))
                files.write_atomically(self.keys, stored.decode())
            files.write_atomically(self.server, keys.last_server)


def acquire(address: str, name: str, directory: Path | None = None) -> Keys:
    """Lock and load the keys of a name at an address; empty `Keys` if another client has them or saving fails."""
    # Imported late: loading it would delay the first frame.
    from filelock import FileLock

    folder = directory or _folder()
    known, file = _server_file(folder, address), folder / _file_name(f"{address}\n{name}")
    lock = FileLock(file.with_suffix(".lock"), mode=0o600, thread_local=False, fallback_to_soft=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        # This fails if another client has the lock: two logged in as the same person would disconnect each other.
        lock.acquire(blocking=False)
        # Older versions of the client stored a token there.
        file.unlink(missing_ok=True)
        return KeyFiles(known, file.with_suffix(".keys"), lock.release).load()
    except (OSError, NotImplementedError):
        lock.release()
        return KeyFiles(known, None, lambda: None).load()


def is_known(address: str, directory: Path | None = None) -> bool:
    """Return whether a server at this address was used before."""
    return bool(_text(_server_file(directory or _folder(), address)))


def _folder() -> Path:
    return platformdirs.user_data_path("flagpost", appauthor=False) / "identities"


def _server_file(folder: Path, address: str) -> Path:
    return folder / f"{_file_name(address)}.server"


def _file_name(text: str) -> str:
    return sha256(text.encode(errors="backslashreplace")).hexdigest()[:32]


def _text(file: Path) -> str:
    """Return the content of a small file; empty if the file is missing or unusable."""
    try:
        return files.read(file).decode()
    except (OSError, ValueError):
        return ""


def _read(file: Path) -> _Stored | None:
    """Return the stored keys; None if the file is missing or unusable."""
    try:
        file.chmod(0o600)
        stored = msgspec.json.decode(files.read(file), type=_Stored)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    usable = all(len(key.secret) == KEY_BYTES for keys in stored.servers.values() for key in keys)
    return stored if usable else None
