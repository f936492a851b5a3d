"""Textual's driver, which reads the terminal in a thread and so sees the quit key while the loop does not run."""

from typing import Protocol, runtime_checkable

from textual import events
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.fullscreen.keys.keymap import KEYS


@runtime_checkable
class Quits(Protocol):
    """An app that wants to know at once that the quit key was pressed."""

    def quit_typed(self) -> None:
        """The quit key was pressed; called in the thread that reads the terminal."""


class WatchedDriver(LinuxDriver):
    """Tells the app of the quit key before the key gets into the app's queue."""

    def process_message(self, message: Message) -> None:
        """Pass on what the terminal sent."""
        if isinstance(message, events.Key) and isinstance(self._app, Quits) and message.key in _quit_keys():
            self._app.quit_typed()
        super().process_message(message)


def watched(chosen: type[Driver]) -> type[Driver]:
    """Return the driver to use where Textual has chosen one; only its own for terminals reads keys in a thread."""
    return WatchedDriver if chosen is LinuxDriver else chosen


def _quit_keys() -> set[str]:
    """Return the keys that quit now, be they the user's own."""
    return {key for each in KEYS if each.action == "app.quit" for key in each.now.split(",")}
