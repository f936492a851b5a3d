"""Completion of a name, channel, emoji or command that the user has begun to type."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Protocol

from msgspec import Struct

COMMAND, EMOJI, PERSON, CHANNEL = "/", ":", "@", "#"
FEWEST_LETTERS = 2
"""Minimum letters of an emoji's name: anything shorter is a smiley, or the end of a clause."""
MAX_BEGUN_CHARS = 64
"""Characters before the cursor that are searched for the beginning of a name; names are shorter."""

_ARGUMENT = re.compile(r"/(\S+)\s+[@#]?")
_SIGNED = re.compile(r"(?<![^\s(\[{<\"'“‘«])[@#:]")
_WORD = re.compile(r"(?<![^\s(\[{<\"'“‘«])[^\W_]")


class Known(Struct, frozen=True):
    """The names that can be completed."""

    people: Collection[str] = ()
    channels: Collection[str] = ()
    commands: Mapping[str, str] = {}
    """The arguments of each command, such as "name [text]"."""
    hidden: Collection[str] = ()
    """People who are completed only as the argument of a command."""


class Completion(Struct, frozen=True):
    """Candidates for the text from `start` on (in characters of the line), in cycling order."""

    start: int
    options: tuple[str, ...]
    suffix: str = " "
    at: int = 0

    @property
    def text(self) -> str:
        """Return the current candidate with the suffix."""
        return f"{self.options[self.at]}{self.suffix}"

    def next(self) -> "Completion":
        """Return the completion with the next candidate."""
        return Completion(self.start, self.options, self.suffix, (self.at + 1) % len(self.options))


class Completer(Protocol):
    """Completes what the user has begun to type."""

    def __call__(self, before: str, last: Completion | None, *, first_line: bool, bare: bool) -> Completion | None:
        """Complete the line up to the cursor, as `complete` does."""


def complete(
    before: str,
    get_known: Callable[[], Known],
    last: Completion | None = None,
    emojis: Callable[[str], Sequence[str]] = lambda _: (),
    *,
    first_line: bool = True,
    bare: bool = True,
) -> Completion | None:
    """Complete the line up to the cursor, or return the next candidate if the line ends in `last`. None: no match.

    `get_known` is called only if there is something to complete. `emojis` returns the emoji whose name begins with its
    argument. Commands are completed on the first line only, and words without a sign such as @ only if `bare`.
    """
    if last and before[last.start :] == last.text:
        return last.next()
    known = cache(get_known)
    if first_line and before.startswith(COMMAND) and not before.startswith(COMMAND * 2):
        if not any(map(str.isspace, before)):
            return _completion(0, before, [f"{COMMAND}{name}" for name in known().commands])
        argument = _ARGUMENT.match(before)
        takes = known().commands.get(argument[1].casefold(), "").split() if argument else []
        found = _argument(argument.end(), before, takes[0], known()) if argument and takes else None
        if found or takes in (["NAME"], ["CHANNEL"]):
            return found
    return _signed(before, known, emojis) or (_bare(before, known().people) if bare and before else None)


def _argument(start: int, before: str, takes: str, known: Known) -> Completion | None:
    """Complete the first argument of a command."""
    options = {"NAME": [*known.people, *known.hidden], "CHANNEL": known.channels}.get(takes, ())
    found = _completion(start, before, options)
    return Completion(start, found.options) if found else None


def _signed(before: str, known: Callable[[], Known], emojis: Callable[[str], Sequence[str]]) -> Completion | None:
    """Complete a name after a sign such as @; the name may contain spaces."""
    for found in reversed([*_SIGNED.finditer(before, max(0, len(before) - MAX_BEGUN_CHARS))]):
        start, begun = found.start(), before[found.end() :]
        if found[0] == EMOJI:
            options = emojis(begun) if len(begun) >= FEWEST_LETTERS else ()
            completion = Completion(start, tuple(options), _space(before, start)) if options else None
        else:
            names = known().people if found[0] == PERSON else known().channels
            completion = _completion(start, before, [f"{found[0]}{name}" for name in names])
        if completion:
            return completion
    return None


def _bare(before: str, people: Iterable[str]) -> Completion | None:
    """Complete a name of one or several words; at the beginning of a line, add a colon."""
    for found in _WORD.finditer(before, max(0, len(before) - MAX_BEGUN_CHARS)):
        start = found.start()
        if completion := _completion(start, before, people):
            suffix = completion.suffix if start else ": "
            return Completion(start, completion.options, suffix)
    return None


def _completion(start: int, before: str, options: Iterable[str]) -> Completion | None:
    begun = _folded(before[start:])
    found = sorted((each for each in options if _folded(each).startswith(begun)), key=_folded)
    return Completion(start, tuple(found), _space(before, start)) if found else None


def _space(before: str, start: int) -> str:
    """Return what to add after a name: a space, unless it follows an open bracket or quotation mark."""
    return "" if start and not before[start - 1].isspace() else " "


def _folded(text: str) -> str:
    """Return a text without case and accents."""
    if text.isascii():
        return text.casefold()
    parts = unicodedata.normalize("NFKD", text[: 2 * MAX_BEGUN_CHARS].casefold())
    return "".join(char for char in parts if not unicodedata.combining(char))
