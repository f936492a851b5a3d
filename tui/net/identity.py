"""Storage of the keys that prove the identity of a name at an address, across starts of the client."""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec
import platformdirs
from msgspec import Struct

from server.protocol.proof import KEY_BYTES
from tui import files
from tui.net.client_session import EnrolledKey, Keys

MAX_SERVERS = 32
FIRST_SERVERS = 8
"""Never forgotten, however many other servers answer at the address later."""


class _Stored(Struct):
    """The content of a file of keys."""

    last_identity: str
    servers: dict[str, tuple[EnrolledKey, ...]]


class KeptKeys(Keys):
    """Keys that no other client uses until `release`; they are saved if a file is given."""

    def __init__(self, server_file: Path, file: Path | None, release: Callable[[], None]) -> None:
        super().__init__(_text(server_file))
        self.release = release
        self._server_file = server_file
        self._file = file
        if file and (stored := _read(file)):
            self.last_identity, self.servers = stored.last_identity, stored.servers

    @property
    def kept(self) -> bool:
        """See Keys."""
        return self._file is not None

    def remember(self, server: str, key: EnrolledKey) -> None:
        """See Keys; a key that cannot be saved is valid for this start only."""
        before = self.last_server, self.last_identity, key in self.of(server)
        super().remember(server, key)
        if before == (server, key.identity, True):
            return
        if len(self.servers) > MAX_SERVERS:
            del self.servers[[*self.servers][FIRST_SERVERS]]
        with suppress(OSError):
            if self._file:
                files.write_atomically(
                    self._file, msgspec.json.encode(_Stored(self.last_identity, self.servers)).decode()
                )
            files.write_atomically(self._server_file, server)


def acquire(address: str, name: str, directory: Path | None = None) -> KeptKeys:
    """Return the keys of a name at an address; new ones if another client uses them or nothing can be saved."""
    # Imported late: loading it would delay the first frame.
    from filelock import FileLock

    folder = directory or _folder()
    known, file = _server_file(folder, address), folder / _file_name(f"{address}\n{name}")
    lock = FileLock(file.with_suffix(".lock"), mode=0o600, thread_local=False, fallback_to_soft=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        # Another client has the lock: two logged in as the same person would disconnect each other.
        lock.acquire(blocking=False)
        # The token of an older client, which is no longer used.
        file.unlink(missing_ok=True)
        return KeptKeys(known, file.with_suffix(".keys"), lock.release)
    except (OSError, NotImplementedError):
        lock.release()
        return KeptKeys(known, None, lambda: None)


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
