r"""Finds the runs of *, _ and ~~ that mark emphasis, and pairs them. Takes linear time.

A run acts only at the edge of a word, so that sums, globs, paths and identifiers are left as typed: it opens before a
word that follows white space, and closes after a word that white space follows. Quotation marks, brackets, other runs
and, after the word, punctuation may be in between. A dash or a wide character (Chinese, Japanese, Korean, emoji)
counts as white space. __init__ is a name, not emphasis.

A closing delimiter is paired as in CommonMark: with the nearest opening delimiter of the same mark before it, except
where the rule of three forbids it. Delimiters between the two are not paired with any outside them.
"""

import re
from collections.abc import Sequence

MARKS = "*_~"
_WIDE = (
    "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6"
    "\U0001f300-\U0001faff\U00020000-\U0003fffd"
)
_APART = rf"\s\u2013\u2014{_WIDE}"
_OPENING, _CLOSING = "(\\[{<\"'“‘«„‹¿¡", ".,;:!?)}>\"'”’»›…"
# An escaped mark counts as a mark here, because that decides whether the backslash acts. The look-behind in the second
# pattern keeps a failed match from being repeated at each of its characters.
_BEFORE_WORD = re.compile(rf"(?<![^{_APART}])(?:\\?[{_OPENING}{MARKS}])++")
_BEHIND_WORD = re.compile(
    rf"(?<![{_CLOSING}\]{MARKS}\\])(?:\\?(?:[{_CLOSING}{MARKS}]|\](?!\()))++(?:(?![^{_APART}])|(?=\]\())"
)
_DUNDER = re.compile(r"(?<!\w)__[^\W_]++(?:_[^\W_]++)*+__(?!\w)")
_NO_WORD_BEHIND = frozenset(".,;:!?)]}/\\…")
_NO_WORD_BEFORE = frozenset("([{/")


class Edges:
    """The positions of a line at which marks can open or close."""

    def __init__(self, line: str) -> None:
        self._line = line
        names = {at for found in _DUNDER.finditer(line) for at in range(*found.span()) if line[at] == "_"}
        self._before = _places(line, _BEFORE_WORD) - names
        self._behind = _places(line, _BEHIND_WORD) - names
        self._last_closing: dict[str, int] = {}
        self._first_opening: dict[str, int] = {}
        for at in sorted(self._before | self._behind):
            if self.opens(at, at + 1):
                self._first_opening.setdefault(line[at], at)
            if self.closes(at, at + 1):
                self._last_closing[line[at]] = at

    def opens(self, start: int, end: int) -> bool:
        """Return whether a run between these positions can open emphasis."""
        behind = self._line[end : end + 1]
        return start in self._before and behind not in _NO_WORD_BEHIND and bool(behind.strip())

    def closes(self, start: int, end: int) -> bool:
        """Return whether a run between these positions can close emphasis."""
        before = self._line[start - 1 : start] if start else ""
        return end - 1 in self._behind and before not in _NO_WORD_BEFORE and bool(before.strip())

    def acts(self, at: int) -> bool:
        """Return whether an escaped mark would act without its backslash: it has an edge and a counterpart."""
        mark = self._line[at]
        opens = self.opens(at, at + 1) and self._last_closing.get(mark, at) > at
        return opens or (self.closes(at, at + 1) and self._first_opening.get(mark, at) < at)


class DelimiterRun:
    """Consecutive marks of one kind, and whether they can open or close."""

    __slots__ = ("closes", "end", "mark", "opens", "start")

    def __init__(self, line: str, start: int, end: int, edges: Edges) -> None:
        self.mark = line[start]
        self.start, self.end = start, end
        self.opens, self.closes = edges.opens(start, end), edges.closes(start, end)

    @property
    def length(self) -> int:
        """The length for the rule of three; 0 for ~~, to which the rule does not apply."""
        return 0 if self.mark == "~" else self.end - self.start


class Delimiter:
    """One * or _ or ~~ of a run; `token` is its index among the tokens of the line."""

    __slots__ = ("run", "token")

    def __init__(self, run: DelimiterRun, token: int) -> None:
        self.run = run
        self.token = token


class _Openers:
    """Opening delimiters that are not closed yet, and how far back a search can find one."""

    def __init__(self) -> None:
        self._waiting: list[Delimiter] = []
        self._before_run = 0
        self._run: DelimiterRun | None = None
        self._none_before: dict[tuple[str, bool, int], int] = {}

    def enter(self, run: DelimiterRun) -> None:
        """Begin a run, whose delimiters never pair with each other."""
        if run is not self._run:
            self._run, self._before_run = run, len(self._waiting)

    def add(self, delimiter: Delimiter) -> None:
        """Add an opening delimiter."""
        self._waiting.append(delimiter)

    def closed_by(self, run: DelimiterRun) -> Delimiter | None:
        """Remove and return the nearest opener that this run closes, and remove all after it; None if there is none."""
        kind = (run.mark, run.opens, run.length % 3)
        none_before = self._none_before.get(kind, 0)
        for at in range(self._before_run - 1, -1, -1):
            opener = self._waiting[at]
            if opener.run.start < none_before:
                break
            if opener.run.mark == run.mark and not _odd(opener.run, run):
                del self._waiting[at:]
                self._before_run = at
                return opener
        # Otherwise each closer of this kind would search the same openers again, in quadratic time.
        self._none_before[kind] = run.start
        return None


def pairs(delimiters: Sequence[Delimiter]) -> dict[int, int]:
    """Pair the delimiters: opening token -> closing token."""
    found: dict[int, int] = {}
    openers = _Openers()
    for delimiter in delimiters:
        run = delimiter.run
        openers.enter(run)
        if run.closes and (opener := openers.closed_by(run)):
            found[opener.token] = delimiter.token
        elif run.opens:
            openers.add(delimiter)
    return found


def _odd(opener: DelimiterRun, closer: DelimiterRun) -> bool:
    """Return whether the rule of three forbids this pair: *a**b* is one emphasis around two asterisks."""
    mixed = opener.closes or closer.opens
    return mixed and (opener.length + closer.length) % 3 == 0 and bool(opener.length % 3 or closer.length % 3)


def _places(line: str, pattern: re.Pattern[str]) -> set[int]:
    return {at for found in pattern.finditer(line) for at in range(*found.span()) if line[at] in MARKS}
