"""A client in which a message that names one of these ways keeps the event loop busy for ever; run as a program."""

import ctypes
import re
import sys
from pathlib import Path
from typing import NoReturn

from tui.cli import run
from tui.fullscreen.room.writing import Writing
from tui.plain.line_commands import LineCommands


def in_python() -> NoReturn:
    while True:
        pass


def in_a_pattern() -> None:
    """Search for longer than anyone waits."""
    re.match(r"(a+)+$", "a" * 100 + "b")


def in_one_call() -> NoReturn:
    """Wait for itself, hold the interpreter's lock for ever, and never check for signals."""
    lock = ctypes.create_string_buffer(64)
    while True:
        ctypes.PyDLL(None).pthread_mutex_lock(lock)


WAYS = {way.__name__: way for way in (in_python, in_a_pattern, in_one_call)}


def say(_self: object, text: str, _place: object = None) -> None:
    """Hang instead of sending a message; a file says that it begins."""
    Path("stuck").touch()
    WAYS[text]()


if __name__ == "__main__":
    for each in (Writing, LineCommands):
        setattr(each, "say", say)  # noqa: B010 - another signature
    sys.exit(run())
