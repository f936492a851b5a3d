"""The Markdown of a chat line as pieces of text with styles: no HTML, no entities, and nothing left out."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from tui.client.quotation import MARK

if TYPE_CHECKING:
    from server.protocol.markdown import Token
    from server.protocol.text_blocks import TextBlock

_SAFE_URL = re.compile(
    r"https?://[\x21-\x7e]{1,2000}|mailto:[a-z0-9.!#$&'*+/=^_{|}~-]{1,64}@[a-z0-9.-]{1,255}", re.IGNORECASE
)
"""Mail links have no query, which could name a file to attach. Terminals accept links of about 2,000 characters."""
_HOST = re.compile(r"[a-z]+:(?://)?(?:[^/?#@]*@)?([^/?#:]*)", re.IGNORECASE)


class Piece(Struct, frozen=True):
    """A run of text with the same style; `url` is an http(s) or mail address of printable ASCII, or empty."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    strike: bool = False
    url: str = ""
    quoted: bool = False
    """True in a line that repeats an earlier message."""
    mark: bool = False
    """True for the characters of the markup, such as `**`, and for an explanation."""
    fenced: bool = False
    """True in the lines of a code block, and in its fences."""
    added: bool = False
    """True for an explanation that is not part of the message."""


def lines(text: str) -> list[list[Piece]]:
    """Return the pieces of each line of a message: all of its characters, in order, with explanations added."""
    # Imported late: compiling its patterns would delay the first frame.
    from server.protocol.markdown import MAIL, WEB, MessageParser
    from server.protocol.text_blocks import blocks

    parser = MessageParser(WEB + MAIL)
    found: list[list[Piece]] = []
    for block in blocks(text):
        if block.fenced:
            found += _code(block)
            continue
        found += [_line(parser.tokens(line), quoted=line.startswith(MARK)) for line in block.lines]
    return found


def addresses(text: str) -> list[str]:
    """Return the addresses to which a message links, in order, each once."""
    return list(dict.fromkeys(piece.url for line in lines(text) for piece in line if piece.url))


def _code(block: "TextBlock") -> Iterator[list[Piece]]:
    yield [Piece(block.opening, code=True, mark=True, fenced=True)]
    for line in block.lines:
        yield [Piece(line, code=True, fenced=True)]
    if block.closing:
        yield [Piece(block.closing, code=True, mark=True, fenced=True)]


def _line(tokens: "Sequence[Token]", *, quoted: bool) -> list[Piece]:
    if len(tokens) > 1:
        return list(_pieces(tokens, quoted=quoted))
    return [Piece(token.text, quoted=quoted) for token in tokens]


def _pieces(tokens: "Iterable[Token]", *, quoted: bool) -> Iterator[Piece]:
    depth = {"strong": 0, "em": 0, "code": 0, "s": 0}
    href = url = label = ""
    for token in tokens:
        tag, text, opens, target = token.tag, token.text, token.opens, token.href
        if tag in depth and opens:
            depth[tag] += 1
        if tag == "a" and opens:
            href, label, url = target, "", target if _SAFE_URL.fullmatch(target) else ""
        label += text
        if text:
            bold, italic, code, strike = (depth[each] > 0 for each in depth)
            yield Piece(text, bold, italic, code, strike, url, quoted, mark=bool(tag))
        if tag in depth and not opens:
            depth[tag] -= 1
        if tag == "a" and not opens:
            if (host := _host(href)) not in label.lower():
                yield Piece(f" ({host})", url=url, quoted=quoted, mark=True, added=True)
            url = ""


def _host(href: str) -> str:
    """Return the host of an address in lower case; "" if it has none."""
    found = _HOST.match(href)
    return found[1].lower() if found else ""
