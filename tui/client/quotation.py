"""The line by which a reply quotes the message that it answers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from server.protocol import name_text

if TYPE_CHECKING:
    from tui.client.entries import Line

MOST_CHARS = 80
MARK = "> "


def quotation(line: "Line") -> str:
    """Return `> author» first line…`; of a reply, the first line that is not itself a quotation."""
    return f"{MARK}{name_text.said(line.author, excerpt(line))}"


def excerpt(line: "Line") -> str:
    """Return the beginning of the first line that is not itself a quotation."""
    written = [each.strip() for each in line.text.split("\n")]
    own = [each for each in written if each and not each.startswith((MARK, "```"))]
    first, more = (own or [""])[0], len(own) > 1
    cut = len(first) > MOST_CHARS
    return f"{first[:MOST_CHARS].rstrip()}{'…' if cut or more else ''}"


def quoted(line: "Line") -> str | None:
    """Return the line by which a reply quotes another message; None if it quotes none."""
    first = line.text.partition("\n")[0].rstrip()
    return first if first.startswith(MARK) and name_text.SEPARATOR.strip() in first else None


def original(line: "Line", lines: "Sequence[Line]") -> "Line | None":
    """Return the latest of these messages that a reply can be quoting; None if there is none."""
    wanted = quoted(line)
    earlier = (each for each in reversed(lines) if each.msg_id < line.msg_id)
    return next((each for each in earlier if wanted and quotation(each).rstrip() == wanted), None)


def words_of(quotation: str) -> str:
    """Return the words that a quotation quotes, to search for them."""
    return quotation.partition(name_text.SEPARATOR.strip())[2].rstrip("…").strip()


def is_bare(text: str) -> bool:
    """Return whether a text consists of quoted lines only."""
    written = [each.lstrip() for each in text.split("\n") if each.strip()]
    return bool(written) and all(each.startswith(MARK.strip()) for each in written)
