"""The line by which a reply quotes the message that it answers."""

from server.protocol import name_text
from tui.client.timeline import Line

MOST_CHARS = 80
MARK = "> "


def quotation(line: Line) -> str:
    """Return `> author» first line…`; of a reply, the first line that is not itself a quotation."""
    return f"{MARK}{name_text.said(line.author, excerpt(line))}"


def excerpt(line: Line) -> str:
    """Return the beginning of the first line that is not itself a quotation."""
    written = [each.strip() for each in line.text.split("\n")]
    own = [each for each in written if each and not each.startswith((MARK, "```"))]
    first, more = (own or [""])[0], len(own) > 1
    cut = len(first) > MOST_CHARS
    return f"{first[:MOST_CHARS].rstrip()}{'…' if cut or more else ''}"


def is_bare(text: str) -> bool:
    """Return whether a text consists of quoted lines only."""
    written = [each.lstrip() for each in text.split("\n") if each.strip()]
    return bool(written) and all(each.startswith(MARK.strip()) for each in written)
