"""Completes a name or a channel that one has begun to write."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Completion:
    """What can stand from `start` on, in characters of the line; one after the other."""

    start: int
    options: tuple[str, ...]
    at: int = 0

    @property
    def text(self) -> str:
        """What stands there now."""
        return f"{self.options[self.at]} "


def complete(before: str, words: Iterable[str], last: Completion | None) -> Completion | None:
    """What comes for the line up to the cursor; the next one where the last one stands still. None: nothing.

    `words` begin with @ or #, as what is completed does.
    """
    if last and before[last.start :] == last.text:
        return Completion(last.start, last.options, (last.at + 1) % len(last.options))
    start = max(before.rfind("@"), before.rfind("#"))
    if start < 0 or (start and not before[start - 1].isspace()):
        return None
    begun = before[start:].casefold()
    options = tuple(sorted(word for word in words if word.casefold().startswith(begun)))
    return Completion(start, options) if options else None
