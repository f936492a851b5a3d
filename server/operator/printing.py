"""Formats output so that text from users cannot control the administrator's terminal; defines the error of commands."""

import unicodedata
from collections.abc import Iterable, Sequence

from server.protocol import name_text
from server.protocol.characters import in_one_line
from server.protocol.errors import OneLineError
from server.storage.clock import moment

MAX_CELL_CHARS = 60


class CommandError(OneLineError):
    """A command could not run."""


def name(text: str) -> str:
    """Return a stored name without characters that could imitate the rest of the line."""
    return name_text.shown(in_one_line(text))


def short(text: str, most: int = MAX_CELL_CHARS) -> str:
    """Return text like `in_one_line`, cut to a maximum length."""
    line = in_one_line(text)
    return line if len(line) <= most else line[: most - 1] + "…"


def when(at: int | None) -> str:
    """Format a time in milliseconds as UTC."""
    return f"{moment(at):%Y-%m-%d %H:%M:%S}Z" if at is not None else "-"


def span(milliseconds: int) -> str:
    """Format a duration in its largest unit, rounded down."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if milliseconds >= size:
            return f"{milliseconds // size} {unit}"
    return f"{max(0, milliseconds)} ms"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table; columns are as wide as their widest cell."""
    lines = [head, *rows]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(head))]
    padded = ([cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def _width(text: str) -> int:
    """Return the width on a terminal: Chinese characters and most emoji take two columns, marks and joiners none."""
    visible = (char for char in text if unicodedata.category(char) not in {"Mn", "Me", "Cf"})
    return sum(2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1 for char in visible)
