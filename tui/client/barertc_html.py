"""Turns the HTML of BareRTC's messages into text in Markdown, which the client shows like any other text.

nh3 removes scripts and all but a few tags, and makes the rest well-formed. The text contains Markdown for these
tags and for web links only.
"""

import re
from html.parser import HTMLParser

from server.protocol.markdown import WEB, Token, parse

MAX_CHARS = 16_384
"""Maximum characters of HTML that are read from a message."""
MAX_DEPTH = 6
"""Maximum nesting of quotes and lists that is shown."""
MAX_ROUNDS = 8
"""Maximum rounds of escaping: once a pair of marks is escaped, others may take effect."""
CUT = "…"
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "s": "~~", "del": "~~", "strike": "~~", "code": "`"}
_BLOCKS = {"p", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre", "div", "table"}
_LINES = {"br", "li", "tr"}
_TAGS = {*_MARKS, *_BLOCKS, *_LINES, "a", "img"}
_ATTRIBUTES = {"a": {"href"}, "img": {"alt"}}
_EMBEDDED = re.compile(r'(?i)="data:[^"]*"')
_MARK = re.compile(r"[\\*_~`\[\]]")
_FENCES = re.compile(r"`{3,}")


def to_text(source: str) -> str:
    """Convert HTML to Markdown; only the first MAX_CHARS characters are read."""
    # Imported late: most servers send no HTML.
    import nh3

    short = without_pictures(source)
    cut = len(short) > MAX_CHARS
    cleaned = nh3.clean(
        short[:MAX_CHARS], tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, link_rel=None
    )
    reader = _Reader()
    reader.feed(cleaned)
    reader.close()
    return reader.text + (CUT if cut else "")


def without_pictures(source: str) -> str:
    """Return HTML without its embedded pictures."""
    return _EMBEDDED.sub('=""', source)


class _Reader(HTMLParser):
    """Reads HTML that is well-formed and has only known tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._prefixes: list[str] = []
        """One for each quote around the text."""
        self._before = ""
        """The joined prefixes of the last line."""
        self._numbers: list[int | None] = []
        """The next number of each open list; None if it is not numbered."""
        self._item = ""
        """The marker of the last list item."""
        self._links: list[tuple[str, int]] = []
        """The target of each open link, and where in the line its text starts."""
        self._code: list[str] | None = None
        """The text of the open block of code; None outside of one."""
        self._blank = False
        """True if the next text is separated by a blank line."""

    @property
    def text(self) -> str:
        self._end_line()
        return "\n".join(self._lines).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br" and not self._line:
            self._blank = True
        if (tag in _BLOCKS or tag in _LINES) and not self._is_at_item:
            self._end_line()
        if self._code is not None:
            return
        if tag in _MARKS:
            self._line.append(_MARKS[tag])
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self._line)))
        elif tag == "img":
            alt = dict(attrs).get("alt")
            self._add(f"(picture: {alt})" if alt else "(picture)")
        else:
            self._start_block(tag)

    @property
    def _is_at_item(self) -> bool:
        """Return whether the line holds only a list marker."""
        return bool(self._numbers) and len(self._line) == 1 and self._line[0] == self._item

    def _start_block(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._blank = self._blank or (bool(self._lines) and not self._numbers)
        if tag == "pre":
            self._code = []
        elif tag in {"ul", "ol"}:
            self._numbers.append(1 if tag == "ol" else None)
        elif tag == "blockquote":
            self._prefixes.append("> ")
        elif tag[0] == "h" and tag[1:].isdecimal():
            self._line.append(f"{'#' * int(tag[1:])} ")
        elif tag == "hr":
            self._line.append("---")
        elif tag == "li" and self._numbers:
            number = self._numbers[-1]
            indent = "  " * min(len(self._numbers) - 1, MAX_DEPTH)
            self._item = f"{indent}- " if number is None else f"{indent}{number}. "
            self._line.append(self._item)
            self._numbers[-1] = None if number is None else number + 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._end_code()
        elif self._code is not None:
            return
        elif tag in _MARKS:
            self._end_mark(_MARKS[tag])
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag in _BLOCKS or tag in _LINES:
            self._end_line()
            self._end_block(tag)

    def _end_block(self, tag: str) -> None:
        if tag in {"ul", "ol"} and self._numbers:
            self._numbers.pop()
        elif tag == "blockquote" and self._prefixes:
            self._prefixes.pop()

    def handle_data(self, data: str) -> None:
        if self._code is not None:
            self._code.append(data)
        elif words := re.sub(r"\s+", " ", data):
            self._add(words if self._line else words.lstrip())

    def _add(self, words: str) -> None:
        if not words:
            return
        if words[0] == " " and self._line and self._line[-1] in _MARKS.values():
            # A mark takes effect only at the edge of a word.
            self._line.insert(-1, " ")
            words = words[1:]
        in_code = self._line.count("`") % 2
        self._line.append(words if in_code else _literal(words))

    def _end_mark(self, mark: str) -> None:
        if self._line and self._line[-1] == mark:
            self._line.pop()
        elif mark in self._line:
            space = " " if self._line[-1].endswith(" ") else ""
            self._line[-1] = self._line[-1].rstrip(" ")
            self._line += [mark, space]

    def _end_link(self, href: str, start: int) -> None:
        said = "".join(self._line[start:])
        if not href or not said.strip():
            return
        del self._line[start:]
        if said.replace("\\", "") in {href, href.removesuffix("/")}:
            self._line.append(href)
        else:
            target = f"<{href}>" if re.search(r"[()\s]", href) else href
            self._line.append(f"[{said.strip()}]({target})")

    def _end_code(self) -> None:
        lines, self._code = "".join(self._code or ()).strip("\n").split("\n"), None
        longest = max((len(run) for line in lines for run in _FENCES.findall(line)), default=2)
        for line in (fence := "`" * (longest + 1), *lines, fence):
            self._line = [line]
            self._end_line()
            self._blank = False
        self._blank = True

    def _end_line(self) -> None:
        if self._code is not None:
            self._code.append("\n")
            return
        # Only the text of a link in its last line is linked.
        self._links = [(href, 0) for href, _ in self._links]
        line, self._line = "".join(self._line).rstrip(), []
        if not line:
            return
        before = "".join(self._prefixes[:MAX_DEPTH])
        if self._blank and self._lines:
            # Between a paragraph and a quote, the blank line belongs to neither.
            self._lines.append(min(before, self._before, key=len).rstrip())
        self._before = before
        self._blank = False
        self._lines.append(before + line)


def _literal(words: str) -> str:
    """Escape the Markdown in a text, if Markdown can express the result; bare links remain links."""
    literal, acts = words, _starts_or_escapes
    for _ in range(MAX_ROUNDS):
        tokens = parse(literal, WEB) if _MARK.search(literal) else []
        if not any(map(acts, tokens)):
            break
        # A backslash before a mark without effect would be shown.
        literal = "".join(f"\\{token.text}" if acts(token) else token.text for token in tokens)
        acts = _starts
    shown = (token.text for token in parse(literal, WEB) if not token.tag)
    return literal if literal == words or "".join(shown) == words else words


def _starts(token: Token) -> bool:
    """Return whether a token starts something other than a bare link."""
    return token.opens and bool(token.text)


def _starts_or_escapes(token: Token) -> bool:
    """Return whether a token of the original text would not be shown as it is written."""
    return token.tag == "escape" or _starts(token)
