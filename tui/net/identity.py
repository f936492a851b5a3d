"""Keeps the login token of a name at a server from one start of the client to the next."""

import os
import re
import secrets
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import platformdirs

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")


class Identity(NamedTuple):
    """A token that nobody else uses until `release`."""

    token: str
    release: Callable[[], None]

    def __repr__(self) -> str:
        # What a crash shows has no token in it.
        return "Identity"


def take(server: str, name: str, directory: Path | None = None) -> Identity:
    """The identity of a name at a server; a fresh one while another client has it, or where none can be kept."""
    # Late: it takes longer to load than the first frame may.
    from filelock import FileLock

    folder = directory or platformdirs.user_data_path("flagpost", appauthor=False) / "identities"
    file = folder / sha256(f"{server}\n{name}".encode(errors="backslashreplace")).hexdigest()[:32]
    lock = FileLock(file.with_suffix(".lock"), mode=0o600, thread_local=False, fallback_to_soft=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        # Another client has it: two who log in by the same token would put each other out.
        lock.acquire(blocking=False)
        return Identity(_read(file) or _write(file), lock.release)
    except (OSError, NotImplementedError):
        lock.release()
        return Identity(_fresh(), lambda: None)


def _read(file: Path) -> str:
    """The token that is kept; empty if there is none that can be used."""
    try:
        file.chmod(0o600)
        token = file.read_text(encoding="ascii").strip()
    except (FileNotFoundError, ValueError):
        return ""
    return token if _TOKEN.fullmatch(token) else ""


def _write(file: Path) -> str:
    token, draft = _fresh(), file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as opened:
        opened.write(token)
    draft.replace(file)
    return token


def _fresh() -> str:
    return secrets.token_urlsafe(24)
