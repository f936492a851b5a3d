"""The Markdown that a chat line can have, as pieces of text with marks; never HTML, never an entity."""

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from tui.core.quotation import MARK

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_FENCE = re.compile(r"\s*`{3,}([^`\s]*)\s*")
_PERHAPS_MARKED = re.compile(r"[*_`~\\\[\]<!&@\0\r]|\.\S|:\S|//")
"""What a mark or a link cannot do without; a link has a dot within, a colon within, or two slashes."""
_SAFE_URL = re.compile(
    r"https?://[\x21-\x7e]{1,2000}|mailto:[a-z0-9.!#$&'*+/=^_{|}~-]{1,64}@[a-z0-9.-]{1,255}", re.IGNORECASE
)
"""An address of mail alone: what follows it could name a file to attach. Terminals take some 2,000 characters."""


class Piece(NamedTuple):
    """A run of text with the same marks; `url` is an http(s) or mail address of printable ASCII, or empty.

    `quoted`: it repeats what somebody said before.
    """

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    strike: bool = False
    url: str = ""
    quoted: bool = False


def lines(text: str) -> list[list[Piece]]:
    """Each line of a message as its pieces; lines between ``` fences are code as they stand."""
    found: list[list[Piece]] = []
    fenced = False
    for line in text.split("\n"):
        fence = _FENCE.fullmatch(line)
        if fence and not (fenced and fence[1]):
            fenced = not fenced
        elif fenced:
            found.append([Piece(line, code=True)])
        elif line.startswith(MARK):
            found.append([piece._replace(quoted=True) for piece in _inline(line)])
        else:
            found.append(_inline(line))
    return found or [[Piece(text)]]


@cache
def _markdown() -> "MarkdownIt":
    # Late: it takes longer to load than the first frame may.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("zero", {"linkify": True})
    parser.enable(["backticks", "emphasis", "escape", "link", "linkify", "strikethrough"])
    # Its own way decodes %1B and punycode: the address is to be seen as it is.
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    return parser


_MARKS = {"strong": "bold", "em": "italic", "s": "strike"}


def _inline(line: str) -> list[Piece]:
    indent = line[: len(line) - len(line.lstrip())]
    pieces = [Piece(indent)] if indent else []
    if not _PERHAPS_MARKED.search(line):
        # Most lines: a hundredth of the parser's time.
        return [*pieces, Piece(line[len(indent) :])] if len(line) > len(indent) else pieces
    marks = {"bold": 0, "italic": 0, "strike": 0}
    href, url, label = "", "", ""
    for token in _markdown().parseInline(line[len(indent) :])[0].children or []:
        name, _, edge = token.type.rpartition("_")
        if name in _MARKS:
            marks[_MARKS[name]] += token.nesting
        elif name == "link":
            if edge == "close" and href and label not in {href, href.partition("://")[2], href.removeprefix("mailto:")}:
                pieces.append(Piece(f" ({href})", url=url))
            href, label = (str(token.attrs.get("href", "")), "") if edge == "open" else ("", "")
            url = href if _SAFE_URL.fullmatch(href) else ""
        elif token.content:
            label += token.content
            on = {mark: depth > 0 for mark, depth in marks.items()}
            pieces.append(
                Piece(token.content, on["bold"], on["italic"], token.type == "code_inline", on["strike"], url)
            )
    return pieces
