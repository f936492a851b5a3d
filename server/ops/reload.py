"""SIGHUP: settings are read anew while the server runs; ones that cannot be used change nothing."""

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
"""Goes on by other settings; the keys whose change has to wait for the next start. SettingsError, and nothing has
changed."""


_came_early = threading.Event()


def note_sighup() -> None:
    """Before the settings are read: a SIGHUP from here on is done by `upon_sighup`, and does not end the process."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda _signal, _frame: _came_early.set())


def upon_sighup(read: Read, follow: Follow) -> None:
    """From here on SIGHUP reads the settings anew, where there is this signal."""
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, partial(reload, read, follow))
        if _came_early.is_set():
            reload(read, follow)


def reload(read: Read, follow: Follow) -> None:
    """Read the settings and go on by them; the log says what came of it."""
    try:
        settings, notice = read()
        waiting = follow(settings)
    except SettingsError as error:
        log.error("the settings stay as they were", extra={"error": str(error)})
        return
    if notice:
        log.warning("the settings were read with a notice", extra={"notice": notice})
    if waiting:
        log.warning("the settings were read anew; some cannot change before the next start", extra={"keys": waiting})
    else:
        log.info("the settings were read anew")
