"""A terminal driver that sees the quit key even while the event loop is blocked, as it reads in a thread of its own."""

from typing import Protocol, runtime_checkable

from textual import events
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.fullscreen.keys.keymap import KEYS


@runtime_checkable
class Quits(Protocol):
    """An app to notify of the quit key at once."""

    def quit_typed(self) -> None:
        """Handle the quit key; called in the thread that reads the terminal."""


class WatchedDriver(LinuxDriver):
    """Notifies the app of the quit key before the key is queued."""

    def process_message(self, message: Message) -> None:
        """Pass a message on to the app; notify it of the quit key first."""
        if isinstance(message, events.Key) and isinstance(self._app, Quits) and message.key in _quit_keys():
            self._app.quit_typed()
        super().process_message(message)


def watched(chosen: type[Driver]) -> type[Driver]:
    """Return the driver to use instead of the chosen one. Only LinuxDriver is replaced: it reads keys in a thread."""
    return WatchedDriver if chosen is LinuxDriver else chosen


def _quit_keys() -> set[str]:
    """Return the keys currently bound to quit."""
    return {key for each in KEYS if each.action == "app.quit" for key in each.now.split(",")}
