"""The line by which a reply says what it answers."""

from tui.core.timeline import Line

MOST_CHARS = 80
MARK = "> "


def quotation(line: Line) -> str:
    """`> author: first line…`; of a reply, the first line that is no quotation itself."""
    written = [each.strip() for each in line.text.split("\n")]
    own = [each for each in written if each and not each.startswith((MARK, "```"))]
    first, more = (own or [""])[0], len(own) > 1
    cut = len(first) > MOST_CHARS
    return f"{MARK}{line.author}: {first[:MOST_CHARS].rstrip()}{'…' if cut or more else ''}"
