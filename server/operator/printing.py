"""Text for the operator's terminal: what people wrote cannot command it."""

from collections.abc import Iterable, Sequence

from server.engine.clock import moment

MAX_CELL_CHARS = 60


def shown(text: str) -> str:
    """Text in one line, with everything that is not printed as the character that says so."""
    return "".join(char if char.isprintable() else "�" for char in " ".join(text.split()))


def short(text: str, most: int = MAX_CELL_CHARS) -> str:
    """As `shown`, cut to so many characters."""
    line = shown(text)
    return line if len(line) <= most else line[: most - 1] + "…"


def when(at: int | None) -> str:
    """A time in milliseconds, UTC."""
    return f"{moment(at):%Y-%m-%d %H:%M:%S}Z" if at is not None else "-"


def span(milliseconds: int) -> str:
    """A length of time, in its largest unit."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if milliseconds >= size:
            return f"{milliseconds // size} {unit}"
    return f"{max(0, milliseconds)} ms"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(cells).rstrip() for cells in padded)
