"""The Markdown of a chat line as pieces of text with marks; never HTML, never an entity."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from tui.client.quotation import MARK

if TYPE_CHECKING:
    from server.protocol.markdown import Token

_SAFE_URL = re.compile(
    r"https?://[\x21-\x7e]{1,2000}|mailto:[a-z0-9.!#$&'*+/=^_{|}~-]{1,64}@[a-z0-9.-]{1,255}", re.IGNORECASE
)
"""Of a mail link the address alone: a query could name a file to attach. Terminals take some 2,000 characters."""


class Piece(NamedTuple):
    """A run of text with the same marks; `url` is an http(s) or mail address of printable ASCII, or empty.

    `quoted` text repeats an earlier message.
    """

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    strike: bool = False
    url: str = ""
    quoted: bool = False


def lines(text: str) -> list[list[Piece]]:
    """Return the pieces of each line of a message; lines between ``` fences are verbatim code."""
    # Imported late: compiling its patterns would delay the first frame.
    from server.protocol.markdown import MAIL, WEB, blocks, tokens

    found: list[list[Piece]] = []
    for fenced, those in blocks(text):
        for line in those:
            pieces = [Piece(line, code=True)] if fenced else _pieces(tokens(line, WEB + MAIL))
            quoted = line.startswith(MARK) and not fenced
            found.append([piece._replace(quoted=True) for piece in pieces] if quoted else pieces)
    return found or [[Piece(text)]]


def _pieces(tokens: "Iterable[Token]") -> list[Piece]:
    pieces = []
    depth = {"strong": 0, "em": 0, "s": 0}
    href, url, label = "", "", ""
    for tag, text, opens, target in tokens:
        if tag in depth:
            depth[tag] += 1 if opens else -1
        elif tag == "a":
            if not opens and label not in {href, href.partition("://")[2], href.removeprefix("mailto:")}:
                pieces.append(Piece(f" ({href})", url=url))
            href, label = target, ""
            url = href if _SAFE_URL.fullmatch(href) else ""
        else:
            label += text
            marks = depth["strong"] > 0, depth["em"] > 0, tag == "code", depth["s"] > 0
            pieces.append(Piece(text, *marks, url))
    return pieces
