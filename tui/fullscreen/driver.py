"""A terminal driver that sees the quit key even while the event loop is blocked, and lines pasted without brackets."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import monotonic
from typing import Protocol, runtime_checkable

from textual import events
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.fullscreen.keys.keymap import KEYS
from tui.fullscreen.keys.unbracketed import is_text, lines_of
from tui.fullscreen.typeahead import PastedLines

ANSWER = re.compile(r"\x1b\[\?\d+;\d\$y")
"""The reply of modern terminals to Textual's mode queries. Such terminals also bracket pastes."""
PASTE_START, PASTE_END = "\x1b[200~", "\x1b[201~"
SAME_PASTE_SECONDS = 0.05
"""Text read within this time after a long read continues the same paste."""
PIECE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b?[^\x1b]+|\x1b")
"""Matches a complete CSI sequence, or the text before the next one, so that a sequence that fails drops no text."""
MAX_CELLS = 4096
"""The maximum number of columns and of lines of a terminal; larger sizes are ignored."""
LONG_READ = 500
"""The number of characters from which a read may be only the first part of a paste."""


@runtime_checkable
class Quits(Protocol):
    """An app that is notified of the quit key at once."""

    def quit_typed(self) -> None:
        """Handle the quit key; called in the thread that reads the terminal."""


class LineParser(XTermParser):
    """Recognises several lines in one read as a paste, in a terminal that does not bracket pastes.

    As keys, each line would be sent as a message or run as a command.
    """

    def __init__(self, debug: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        super().__init__(debug)
        self._brackets = self._bracketed = False
        """`_brackets`: the terminal brackets pastes; `_bracketed`: the input read so far ends within such a paste."""
        self._goes_on_until = float("-inf")
        """The time until which text continues a paste that was too long for one read."""

    def feed(self, data: str) -> Iterable[Message]:
        """Return the events of the data that was just read."""
        self._brackets = self._brackets or bool(ANSWER.search(data))
        plain = not self._brackets and not self._bracketed
        start, end = data.rfind(PASTE_START), data.rfind(PASTE_END)
        self._bracketed = start > end or (self._bracketed and end < 0)
        found = tuple(self._events(data))
        goes_on = bool(data) and is_text(data) and monotonic() < self._goes_on_until
        if not plain or not (goes_on or lines_of(data)):
            return found
        if len(data) >= LONG_READ:
            self._goes_on_until = monotonic() + SAME_PASTE_SECONDS
        return (PastedLines(data, [each for each in found if isinstance(each, events.Key)]),)

    def _events(self, data: str) -> Iterator[Message]:
        """Yield the events in the data; ignore sequences that make Textual's parser fail, and impossible sizes."""
        # To the parser, empty data is the end of its input.
        for piece in PIECE.findall(data) or [data]:
            try:
                for event in super().feed(piece):
                    if not isinstance(event, events.Resize) or max(event.size) <= MAX_CELLS:
                        yield event
            except (ValueError, OverflowError, ZeroDivisionError):
                # Numbers out of range. A parser that failed cannot continue.
                super().__init__()


class WatchedDriver(LinuxDriver):
    """Notifies the app of the quit key before the key is queued; reads with `LineParser`."""

    def use_mouse(self, *, on: bool) -> None:
        """Turn mouse events on or off."""
        if on != self._mouse:
            if not on:
                self._disable_mouse_support()
            self._mouse = on
            self._enable_mouse_support()

    def run_input_thread(self) -> None:
        """Read input with `LineParser` and `decoder`; Textual's method looks up both by name in its module."""
        # mypy rejects the assignments.
        setattr(linux_driver, "XTermParser", LineParser)  # noqa: B010
        setattr(linux_driver, "getincrementaldecoder", decoder)  # noqa: B010
        super().run_input_thread()

    def process_message(self, message: Message) -> None:
        """Pass a message on to the app; notify it of the quit key first."""
        if isinstance(message, events.Key) and isinstance(self._app, Quits) and message.key in _quit_keys():
            self._app.quit_typed()
        super().process_message(message)


def decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    """Return a decoder that replaces invalid bytes with U+FFFD: the terminal may use another encoding."""
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")


def watched(chosen: type[Driver]) -> type[Driver]:
    """Return the driver to use instead of the chosen one. Only LinuxDriver is replaced: it reads keys in a thread."""
    return WatchedDriver if chosen is LinuxDriver else chosen


def _quit_keys() -> set[str]:
    """Return the keys currently bound to quit."""
    return {key for each in KEYS if each.action == "app.quit" for key in each.now.split(",")}
