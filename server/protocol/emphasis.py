"""CommonMark's rules for runs of * and _, and of ~~: which of them open and close together. Time is linear in them.

A run can open if text follows it, and close if text is before it; where that text begins or ends with punctuation,
white space or punctuation must be on the other side of the run. A run of _ within a word can do neither. What can close
is paired with the nearest delimiter before it of the same mark that can open, but for the rule of three; whatever is
between the two opens and closes nothing outside them.
"""

import unicodedata
from collections.abc import Sequence

_WHITE = frozenset("\t\n\x0b\x0c\r \xa0\u1680\u202f\u205f\u3000") | frozenset(map(chr, range(0x2000, 0x200B)))


class Run:
    """The same marks one behind the other, and what they can do."""

    __slots__ = ("closes", "end", "mark", "opens", "start")

    def __init__(self, line: str, start: int, end: int) -> None:
        before = line[start - 1] if start else " "
        behind = line[end] if end < len(line) else " "
        self.mark = line[start]
        self.start, self.end = start, end
        opens, closes = _has_text(behind, before), _has_text(before, behind)
        anywhere = self.mark != "_"
        self.opens = opens and (anywhere or not closes or _is_punctuation(before))
        self.closes = closes and (anywhere or not opens or _is_punctuation(behind))

    @property
    def length(self) -> int:
        """Of the run, as the rule of three counts it; it does not hold for ~~."""
        return 0 if self.mark == "~" else self.end - self.start


class Delimiter:
    """One * or _ or ~~ of a run; `token` is its place among the tokens of the line."""

    __slots__ = ("run", "token")

    def __init__(self, run: Run, token: int) -> None:
        self.run = run
        self.token = token


class _Openers:
    """Delimiters that may still be closed, and how far back it is of use to look for one."""

    def __init__(self) -> None:
        self._waiting: list[Delimiter] = []
        self._before_run = 0
        self._run: Run | None = None
        self._none_before: dict[tuple[str, bool, int], int] = {}

    def enter(self, run: Run) -> None:
        """A delimiter of this run is next: those of the same run never pair with each other."""
        if run is not self._run:
            self._run, self._before_run = run, len(self._waiting)

    def add(self, delimiter: Delimiter) -> None:
        """Let it be closed later."""
        self._waiting.append(delimiter)

    def closed_by(self, run: Run) -> Delimiter | None:
        """Take out the nearest one that this run closes, and all behind it."""
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
        # Without this, each closer of the kind would look at the same openers again.
        self._none_before[kind] = run.start
        return None


def pairs(delimiters: Sequence[Delimiter]) -> dict[int, int]:
    """The tokens that open, each with the token that closes it."""
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


def _odd(opener: Run, closer: Run) -> bool:
    """The rule of three: *a**b* is one emphasis around two asterisks."""
    mixed = opener.closes or closer.opens
    return mixed and (opener.length + closer.length) % 3 == 0 and bool(opener.length % 3 or closer.length % 3)


def _has_text(side: str, other: str) -> bool:
    """Whether a run is at the edge of a text on this side of it."""
    return side not in _WHITE and (not _is_punctuation(side) or other in _WHITE or _is_punctuation(other))


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char)[0] in "PS"
