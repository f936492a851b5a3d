r"""Parses the Markdown of messages, line by line, in linear time. HTML and entities are text; marks are limited.

The tokens of a line, joined, are the line: marks are tokens too, so that a client that shows all of them hides nothing.

    text      lines of text, and of code between fences (see text_blocks.py)
    line      inlines; there are no marks in code, nor in or after the line in which a message exceeds MAX_MARKS
    inline    code | escape | link | bare link (see links.py) | strong | emphasis | strikethrough | any character
    code      between two runs of ` of the same length; one space on each side belongs to the runs
    escape    \ before a mark that would otherwise act
    link      [inlines](target), with spaces allowed around the target; no link inside a link. The target has a scheme
              that the caller allows. It is either in < >, or has no spaces, no control characters and only balanced
              round brackets, at most MAX_DEPTH deep.
    strong, emphasis, strikethrough
              inlines between ** or __, * or _, ~~, at the edges of words (see emphasis.py)

Code, escapes and bare links take precedence, then links, then the rest.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from server.protocol.emphasis import MARKS, Delimiter, DelimiterRun, Edges, pairs
from server.protocol.links import Link, address, bare_links

MAX_MARKS = 200
"""Marks and links of a message, counted by their characters before it is parsed. A mark costs far more than a letter,
and a message of 4,000 marks would hold up everyone who reads it. 4,000 characters of documentation have about 100."""
MAX_DEPTH = 8
"""Maximum nesting of round brackets in a target; bounds how often failed links rescan the same text."""
WEB = ("http://", "https://")
MAIL = ("mailto:",)

_MARK = re.compile(r"[*_`~\\\[\]]")
_PERHAPS_MARK = re.compile(r"[*_`~\\\[\]@]|\.\S|://")
"""Matches what may be a mark, or belong to a link. A line without a match has neither."""
_PERHAPS_LINK = re.compile(r"@|\.\S|://")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_SPACES = re.compile(r"[ \t]*+")
_POINTED = re.compile(r"<((?:[^<>\\]++|\\.?)*+)>", re.DOTALL)
_TARGET_PART = re.compile(r"[^\x00-\x20\x7f\\()]++|\\(?! ).?|[()]", re.DOTALL)


class Token(Struct, frozen=True):
    """Text (with an empty tag), or a mark: the start or end of a "strong", "em", "s", "code" or "a"; or an "escape"."""

    tag: str
    text: str = ""
    """The characters of the line; empty around a bare link."""
    opens: bool = False
    href: str = ""
    """Target of the start of an "a"; printable ASCII."""


class MessageParser:
    """Parses the lines of one message in order. Links with a scheme that is not in `schemes` are left as typed."""

    def __init__(self, schemes: tuple[str, ...]) -> None:
        self._schemes = schemes
        self._marks_left = MAX_MARKS

    def tokens(self, line: str) -> list[Token]:
        """Parse a line of text; return it as typed if the message exceeds MAX_MARKS in this line or before."""
        if not line:
            return []
        # Most lines have no mark; counting takes a hundredth of the parser's time.
        marks = 0 if self._marks_left < 0 else len(_PERHAPS_MARK.findall(line))
        if marks:
            # A link costs at least twice as much as another mark.
            self._marks_left -= marks + len(_PERHAPS_LINK.findall(line))
        if not marks or self._marks_left < 0:
            return [Token("", line)]
        return parse(line, self._schemes)


def parse(line: str, schemes: tuple[str, ...]) -> list[Token]:
    """Parse a line of text with any number of marks."""
    return _LineParser(line, schemes).tokens()


class _LineParser:
    """Parses one line from left to right, and visits each part of it a constant number of times."""

    def __init__(self, line: str, schemes: tuple[str, ...]) -> None:
        self._line = line
        self._schemes = schemes
        self._tokens: list[Token] = []
        self._delimiters: list[Delimiter] = []
        self._brackets: list[tuple[int, int]] = []
        """Each [ that may start a link: its token, and the number of delimiters before it."""
        self._known_edges: Edges | None = None
        self._links = (link for link in bare_links(line) if _leads_to(link.href, schemes))
        self._link = next(self._links, None)
        self._backticks: dict[int, list[int]] | None = None
        """Positions of the runs of backticks by length, the last one first."""

    def tokens(self) -> list[Token]:
        position = 0
        while position < len(self._line):
            position = self._step(position)
        if self._delimiters:
            self._emphasise(self._delimiters)
        return list(_joined(self._tokens))

    def _step(self, position: int) -> int:
        """Parse text up to and including the next mark or bare link; return the end of what was parsed."""
        while self._link and self._link.start < position:
            # The link starts within code, or within the target of another link.
            self._link = next(self._links, None)
        stop = self._link.start if self._link else len(self._line)
        mark = _MARK.search(self._line, position, stop)
        end = mark.start() if mark else stop
        self._add(self._line[position:end])
        if mark:
            return self._parse_mark(mark[0], end)
        return self._add_link(self._link) if self._link else end

    def _parse_mark(self, mark: str, start: int) -> int:
        match mark:
            case "`":
                return self._parse_code(start)
            case "\\":
                return self._parse_escape(start)
            case "[":
                self._brackets.append((len(self._tokens), len(self._delimiters)))
                self._add(mark)
                return start + 1
            case "]":
                return self._close_bracket(start)
            case _:
                return self._parse_run(start)

    def _add(self, text: str) -> None:
        self._tokens.append(Token("", text))

    def _add_link(self, link: Link) -> int:
        self._tokens.append(Token("a", opens=True, href=link.href))
        self._add(self._line[link.start : link.end])
        self._tokens.append(Token("a"))
        return link.end

    def _parse_escape(self, start: int) -> int:
        if not self._acts(start + 1):
            self._add("\\")
            return start + 1
        self._tokens.append(Token("escape", "\\"))
        self._add(self._line[start + 1])
        return start + 2

    def _acts(self, at: int) -> bool:
        """Return whether the character at this position would act as a mark if no backslash preceded it."""
        match self._line[at : at + 1]:
            case "`":
                return self._line.rfind("`") > at
            case "[":
                return self._line.rfind("](") > at
            case mark:
                return mark in tuple(MARKS) and self._edges.acts(at)

    @property
    def _edges(self) -> Edges:
        self._known_edges = self._known_edges or Edges(self._line)
        return self._known_edges

    def _parse_code(self, start: int) -> int:
        end = _end_of_run(self._line, start)
        if self._backticks is None:
            self._backticks = _backticks(self._line)
        closers = self._backticks.get(end - start, [])
        while closers and closers[-1] < end:
            closers.pop()
        if not closers:
            self._add(self._line[start:end])
            return end
        begin, stop, behind = end, closers[-1], closers[-1] + end - start
        code = self._line[begin:stop]
        if code.startswith(" ") and code.endswith(" ") and code.strip(" "):
            begin, stop = begin + 1, stop - 1
        self._tokens.append(Token("code", self._line[start:begin], opens=True))
        self._add(self._line[begin:stop])
        self._tokens.append(Token("code", self._line[stop:behind]))
        return behind

    def _parse_run(self, start: int) -> int:
        """Parse a run of * or _ (one token each), or of two ~ (one token); other runs of ~ are text."""
        end = _end_of_run(self._line, start)
        mark = "~~" if self._line[start] == "~" else self._line[start]
        if mark == "~~" and end - start != len(mark):
            self._add(self._line[start:end])
            return end
        run = DelimiterRun(self._line, start, end, self._edges)
        for _ in range((end - start) // len(mark)):
            self._delimiters.append(Delimiter(run, len(self._tokens)))
            self._add(mark)
        return end

    def _close_bracket(self, start: int) -> int:
        if self._brackets:
            token, before = self._brackets.pop()
            if target := self._target(start + 1):
                href, end = target
                self._make_link(token, before, start, end, href)
                return end
        self._add("]")
        return start + 1

    def _make_link(self, bracket: int, before: int, start: int, end: int, href: str) -> None:
        """Turn the tokens since this bracket into a link."""
        self._brackets.clear()
        for place in range(bracket + 1, len(self._tokens)):
            if self._tokens[place].tag == "a":
                self._tokens[place] = Token("")
        within = self._delimiters[before:]
        del self._delimiters[before:]
        self._emphasise(within)
        self._tokens[bracket] = Token("a", "[", opens=True, href=href)
        self._tokens.append(Token("a", self._line[start:end]))

    def _target(self, start: int) -> tuple[str, int] | None:
        """Return the address in the round brackets that open here, and their end; None if they are not a target."""
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
        return (address(target), behind + 1) if self._line.startswith(")", behind) else None

    def _target_end(self, start: int) -> int:
        """Return the end of a target without < >; `start` if its brackets are not balanced."""
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
        """Replace paired delimiters with tokens; two adjacent pairs become one "strong"."""
        found = pairs(delimiters)
        for opener in sorted(found, reverse=True):
            # The outer pair of a "strong" is already replaced.
            if mark := self._tokens[opener].text:
                closer, tag = found[opener], "s" if mark == "~~" else "em"
                outer = self._tokens[opener - 1].text if found.get(opener - 1) == closer + 1 else ""
                if tag == "em" and outer == mark:
                    tag, mark = "strong", mark * 2
                    self._tokens[opener - 1] = self._tokens[closer + 1] = Token("")
                self._tokens[opener], self._tokens[closer] = Token(tag, mark, opens=True), Token(tag, mark)


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
    """Merge consecutive text tokens."""
    for tag, group in groupby(parts, lambda part: part.tag):
        if tag:
            yield from group
        elif text := "".join(part.text for part in group):
            yield Token("", text)
