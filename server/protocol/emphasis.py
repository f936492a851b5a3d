"""CommonMark's rules for pairing runs of * and _, and of ~~. Takes linear time.

A run can open if text follows it, and close if text precedes it; if that text starts or ends with punctuation, the
other side of the run must be white space or punctuation. A run of _ within a word can do neither. A closing delimiter
is paired with the nearest opening delimiter of the same mark before it, except where the rule of three forbids it.
Delimiters between the two are not paired with any outside them.
"""

import unicodedata
from collections.abc import Sequence

_WHITE = frozenset("\t\n\x0b\x0c\r \xa0\u1680\u202f\u205f\u3000") | frozenset(map(chr, range(0x2000, 0x200B)))


class Run:
    """Consecutive marks of one kind, and whether they can open or close."""

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
        """The length for the rule of three, which does not apply to ~~."""
        return 0 if self.mark == "~" else self.end - self.start


class Delimiter:
    """One * or _ or ~~ of a run; `token` is its index among the tokens of the line."""

    __slots__ = ("run", "token")

    def __init__(self, run: Run, token: int) -> None:
        self.run = run
        self.token = token


class _Openers:
    """Opening delimiters that are not closed yet, and how far back it is worth searching them."""

    def __init__(self) -> None:
        self._waiting: list[Delimiter] = []
        self._before_run = 0
        self._run: Run | None = None
        self._none_before: dict[tuple[str, bool, int], int] = {}

    def enter(self, run: Run) -> None:
        """Start with the delimiters of this run, which never pair with each other."""
        if run is not self._run:
            self._run, self._before_run = run, len(self._waiting)

    def add(self, delimiter: Delimiter) -> None:
        """Add an opening delimiter."""
        self._waiting.append(delimiter)

    def closed_by(self, run: Run) -> Delimiter | None:
        """Remove and return the nearest one that this run closes; also remove all after it."""
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


def _odd(opener: Run, closer: Run) -> bool:
    """Apply the rule of three: *a**b* is one emphasis around two asterisks."""
    mixed = opener.closes or closer.opens
    return mixed and (opener.length + closer.length) % 3 == 0 and bool(opener.length % 3 or closer.length % 3)


def _has_text(side: str, other: str) -> bool:
    """Return whether there is text next to a run, on this side of it."""
    return side not in _WHITE and (not _is_punctuation(side) or other in _WHITE or _is_punctuation(other))


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char)[0] in "PS"
