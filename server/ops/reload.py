"""Reload of the settings on SIGHUP. Invalid settings change nothing."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from functools import partial

from server.settings import LoadedSettings, Settings, SettingsError

log = logging.getLogger(__name__)

Read = Callable[[], LoadedSettings]
Apply = Callable[[Settings], list[str]]
"""Applies new settings and returns the keys that require a restart. Raises SettingsError before changing anything."""


_early_request = threading.Event()


def record_early_sighup() -> None:
    """Record a SIGHUP instead of ending the process, until `reload_on_sighup`. Call it before reading the settings."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda _signal, _frame: _early_request.set())


def record_early_request() -> str:
    """Record a request to reload the settings, until `reload_on_sighup`; return a confirmation for the operator."""
    _early_request.set()
    return "The settings will be reloaded once the server has started."


def reload_on_sighup(read: Read, apply: Apply) -> None:
    """Reload the settings on SIGHUP, on platforms that have it, and at once if a reload was recorded."""
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, partial(reload, read, apply))
    if _early_request.is_set():
        reload(read, apply)


def reload(read: Read, apply: Apply) -> str:
    """Read and apply the settings. Log the result, and return it in words for an operator."""
    try:
        loaded = read()
        if loaded.are_defaults:
            # A file that was removed, or that an editor left empty on a full disk: the defaults would let everyone in.
            raise SettingsError("the settings file is missing or has no settings; restart to use the defaults")
        restart_keys = apply(loaded.settings)
    except SettingsError as error:
        log.error("settings not reloaded", extra={"error": str(error)})
        return "The settings were not reloaded, because they are not valid. The server's log has the details."
    for notice in loaded.notices:
        log.warning("settings notice", extra={"notice": notice})
    if restart_keys:
        log.warning("settings reloaded; some changes require a restart", extra={"keys": restart_keys})
        return f"The server config file has been reloaded. These require a restart: {', '.join(restart_keys)}."
    log.info("settings reloaded")
    return "The server config file has been reloaded successfully!"
