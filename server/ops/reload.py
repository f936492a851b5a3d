"""Reload of the settings on SIGHUP. Invalid settings change nothing."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from functools import partial

from server.settings import Loaded, Settings, SettingsError

log = logging.getLogger(__name__)

Read = Callable[[], Loaded]
Follow = Callable[[Settings], list[str]]
"""Applies new settings and returns the keys that require a restart. Raises SettingsError before changing anything."""


_came_early = threading.Event()


def note_sighup() -> None:
    """Record a SIGHUP instead of ending the process, until `upon_sighup`. Call this before reading the settings."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda _signal, _frame: _came_early.set())


def upon_sighup(read: Read, follow: Follow) -> None:
    """Reload the settings on SIGHUP, on platforms that have it, and at once if one was recorded."""
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, partial(reload, read, follow))
        if _came_early.is_set():
            reload(read, follow)


def reload(read: Read, follow: Follow) -> None:
    """Read and apply the settings, and log the result."""
    try:
        settings, notice = read()
        waiting = follow(settings)
    except SettingsError as error:
        log.error("settings not reloaded", extra={"error": str(error)})
        return
    if notice:
        log.warning("settings notice", extra={"notice": notice})
    if waiting:
        log.warning("settings reloaded; some changes require a restart", extra={"keys": waiting})
    else:
        log.info("settings reloaded")
