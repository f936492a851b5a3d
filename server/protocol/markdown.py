r"""The Markdown of a message, one line at a time, without HTML and entities. Time is linear in the text.

    text      lines; three ` or more, with at most one word behind them, are a fence: lines are code up to the next one
              that has no word, or to the end
    line      of text: inlines; of code, or longer than MAX_LINE_CHARS: as it is typed
    inline    code | escape | link | bare link (see links.py) | strong | emphasis | strikethrough | any character
    code      between two runs of as many `, without one space at each side
    escape    \ and a mark of ASCII punctuation, which then means nothing
    link      [inlines](target) or [inlines](target "title"), with spaces around target and title; the inlines hold no
              link. The target begins with a scheme that the caller takes; where it does not, all is as it is typed. It
              is in < > or holds no space, no control character and no round brackets but balanced ones, at most
              MAX_DEPTH deep. The title is in " ", ' ' or ( ), and is not shown.
    strong, emphasis, strikethrough
              inlines between ** or __, * or _, ~~ (see emphasis.py)

Code, escapes and bare links are looked for first, then links, then the rest.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from server.protocol.emphasis import Delimiter, Run, pairs
from server.protocol.links import Link, address, bare_links

MAX_LINE_CHARS = 8192
"""A longer line is shown as it is typed. A message of this server has at most 4,000 characters."""
MAX_DEPTH = 8
"""Of round brackets in a target: so many links that fail can look at the same text."""
WEB = ("http://", "https://")
MAIL = ("mailto:",)

_FENCE = re.compile(r"\s*+`{3,}+([^`\s]*+)\s*+")
_MARK = re.compile(r"[*_`~\\\[\]]")
_PERHAPS_MARKED = re.compile(r"[*_`~\\\[\]@]|\.\S|://")
"""A line that holds none of these holds no mark and no link."""
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_SPACES = re.compile(r"[ \t]*+")
_POINTED = re.compile(r"<((?:[^<>\\]++|\\.?)*+)>", re.DOTALL)
_TARGET_PART = re.compile(r"[^\x00-\x20\x7f\\()]++|\\(?! ).?|[()]", re.DOTALL)
_TITLE = re.compile(
    r"\"(?:[^\"\\]++|\\.?)*+\"|'(?:[^'\\]++|\\.?)*+'|\((?:[^()\\]++|\\.?)*+\)", re.DOTALL
)  # fmt: skip


class Block(NamedTuple):
    """Lines that follow one another, all of code or all of text."""

    fenced: bool
    lines: list[str]


class Token(NamedTuple):
    """Text (its tag is empty), "code", or an edge of a "strong", "em", "s" or "a"."""

    tag: str
    text: str = ""
    opens: bool = False
    href: str = ""
    """Of an "a" that opens; printable ASCII."""


_STRIKE_END = Token("s")


def blocks(text: str) -> list[Block]:
    """The lines of a text, without its fences."""
    found = [Block(fenced=False, lines=[])]
    for line in text.split("\n"):
        fenced, lines = found[-1]
        fence = _FENCE.fullmatch(line)
        if fence and not (fenced and fence[1]):
            found.append(Block(not fenced, []))
        else:
            lines.append(line)
    return [block for block in found if block.lines]


def tokens(line: str, schemes: tuple[str, ...]) -> list[Token]:
    """What a line of text consists of; links lead to these schemes alone."""
    # Most lines hold no mark: a hundredth of the parser's time.
    if len(line) > MAX_LINE_CHARS or not _PERHAPS_MARKED.search(line):
        return [Token("", line)] if line else []
    return parse(line, schemes)


def parse(line: str, schemes: tuple[str, ...]) -> list[Token]:
    """As `tokens`, for a line of any length."""
    return _Parser(line, schemes).tokens()


class _Parser:
    """Takes one line from left to right, and looks at each part of it a fixed number of times."""

    def __init__(self, line: str, schemes: tuple[str, ...]) -> None:
        self._line = line
        self._schemes = schemes
        self._tokens: list[Token] = []
        self._delimiters: list[Delimiter] = []
        self._brackets: list[tuple[int, int]] = []
        """Each [ that may begin a link: its token, and how many delimiters are before it."""
        self._lone_tildes: list[int] = []
        self._links = (link for link in bare_links(line) if _leads_to(link.href, schemes))
        self._link = next(self._links, None)
        self._backticks: dict[int, list[int]] | None = None
        """The runs of backticks by their length, the last one first."""

    def tokens(self) -> list[Token]:
        """What the line consists of."""
        position = 0
        while position < len(self._line):
            position = self._take(position)
        self._emphasise(self._delimiters)
        for lone in self._lone_tildes:
            self._move_behind(lone)
        return list(_joined(self._tokens))

    def _take(self, position: int) -> int:
        """Take the text from here, and the mark or bare link behind it; return where that ends."""
        while self._link and self._link.start < position:
            # It began within code or the target of a link.
            self._link = next(self._links, None)
        stop = self._link.start if self._link else len(self._line)
        mark = _MARK.search(self._line, position, stop)
        end = mark.start() if mark else stop
        self._add(self._line[position:end])
        if mark:
            return self._take_mark(mark[0], end)
        return self._take_link(self._link) if self._link else end

    def _take_mark(self, mark: str, start: int) -> int:
        match mark:
            case "`":
                return self._take_code(start)
            case "\\":
                return self._take_escape(start)
            case "[":
                self._brackets.append((len(self._tokens), len(self._delimiters)))
                self._add(mark)
                return start + 1
            case "]":
                return self._close_bracket(start)
            case _:
                return self._take_run(start)

    def _add(self, text: str) -> None:
        self._tokens.append(Token("", text))

    def _take_link(self, link: Link) -> int:
        self._tokens.append(Token("a", opens=True, href=link.href))
        self._add(self._line[link.start : link.end])
        self._tokens.append(Token("a"))
        return link.end

    def _take_escape(self, start: int) -> int:
        escape = _ESCAPE.match(self._line, start)
        self._add(escape[1] if escape else "\\")
        return start + (2 if escape else 1)

    def _take_code(self, start: int) -> int:
        end = _end_of_run(self._line, start)
        if self._backticks is None:
            self._backticks = _backticks(self._line)
        closers = self._backticks.get(end - start, [])
        while closers and closers[-1] < end:
            closers.pop()
        if not closers:
            self._add(self._line[start:end])
            return end
        code = self._line[end : closers[-1]]
        spaced = code.startswith(" ") and code.endswith(" ") and code.strip(" ")
        self._tokens.append(Token("code", code[1:-1] if spaced else code))
        return closers[-1] + end - start

    def _take_run(self, start: int) -> int:
        """Take a run of * or _, a token for each; or of ~, a token for each two."""
        end = _end_of_run(self._line, start)
        run, mark = Run(self._line, start, end), self._line[start]
        if mark == "~":
            if (end - start) % 2:
                self._lone_tildes.append(len(self._tokens))
                self._add(mark)
            mark = "~~"
        for _ in range((end - start) // len(mark)):
            self._delimiters.append(Delimiter(run, len(self._tokens)))
            self._add(mark)
        return end

    def _close_bracket(self, start: int) -> int:
        if self._brackets:
            token, before = self._brackets.pop()
            if target := self._target(start + 1):
                href, end = target
                self._make_link(token, before, start, href)
                return end
        self._add("]")
        return start + 1

    def _make_link(self, bracket: int, before: int, end: int, href: str) -> None:
        """Make what is between this token and here a link."""
        self._brackets.clear()
        for place in range(bracket + 1, len(self._tokens)):
            if self._tokens[place].tag == "a":
                self._tokens[place] = Token("")
        within = self._delimiters[before:]
        del self._delimiters[before:]
        if within and within[-1].run.end == end:
            within[-1].run.opens = False
        self._emphasise(within)
        self._tokens[bracket] = Token("a", opens=True, href=href)
        self._tokens.append(Token("a"))

    def _target(self, start: int) -> tuple[str, int] | None:
        """The address in the round brackets that open here, and where they end; None where they are no link's."""
        if not self._line.startswith("(", start):
            return None
        begin = self._skip(_SPACES, start + 1)
        if not _leads_to(_unescaped(self._line[begin : begin + 20].removeprefix("<")), self._schemes):
            return None
        pointed = _POINTED.match(self._line, begin)
        end = pointed.end() if pointed else self._target_end(begin)
        if end == begin:
            return None
        target = _unescaped(pointed[1] if pointed else self._line[begin:end])
        behind = self._skip(_SPACES, end)
        if behind > end:
            behind = self._skip(_SPACES, self._skip(_TITLE, behind))
        return (address(target), behind + 1) if self._line.startswith(")", behind) else None

    def _target_end(self, start: int) -> int:
        """Where a target without < > ends; `start` if its brackets are not balanced."""
        end, depth = start, 0
        while (part := _TARGET_PART.match(self._line, end)) and not (part[0] == ")" and depth == 0):
            depth += {"(": 1, ")": -1}.get(part[0], 0)
            if depth > MAX_DEPTH:
                return start
            end = part.end()
        return start if depth else end

    def _skip(self, pattern: re.Pattern[str], start: int) -> int:
        found = pattern.match(self._line, start)
        return found.end() if found else start

    def _emphasise(self, delimiters: Sequence[Delimiter]) -> None:
        """Make edges of the delimiters that belong together; two pairs side by side are one of strong."""
        found = pairs(delimiters)
        for opener in sorted(found, reverse=True):
            # The outer one of two that were joined is no delimiter any more.
            if mark := self._tokens[opener].text:
                closer, tag = found[opener], "s" if mark == "~~" else "em"
                outer = self._tokens[opener - 1].text if found.get(opener - 1) == closer + 1 else ""
                if tag == "em" and outer == mark:
                    tag = "strong"
                    self._tokens[opener - 1] = self._tokens[closer + 1] = Token("")
                self._tokens[opener], self._tokens[closer] = Token(tag, opens=True), Token(tag)

    def _move_behind(self, lone: int) -> None:
        """Move the odd ~ of a run behind the ends it is before: ~~~a~~~ is a struck "a" between two of them."""
        end = lone + 1
        while self._tokens[end : end + 1] == [_STRIKE_END]:
            end += 1
        self._tokens[lone:end] = [*self._tokens[lone + 1 : end], self._tokens[lone]]


def _leads_to(target: str, schemes: tuple[str, ...]) -> bool:
    return target[:8].lower().startswith(schemes)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


def _end_of_run(line: str, start: int) -> int:
    end = start + 1
    while line.startswith(line[start], end):
        end += 1
    return end


def _backticks(line: str) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    end = 0
    while (start := line.find("`", end)) >= 0:
        end = _end_of_run(line, start)
        found.setdefault(end - start, []).append(start)
    for starts in found.values():
        starts.reverse()
    return found


def _joined(parts: Iterable[Token]) -> Iterator[Token]:
    """Texts that follow one another as one."""
    for tag, group in groupby(parts, lambda part: part.tag):
        if tag:
            yield from group
        elif text := "".join(part.text for part in group):
            yield Token("", text)
