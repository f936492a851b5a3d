"""Regular expressions from the settings (RE2): matching takes linear time, whatever they contain."""

from collections.abc import Iterator
from typing import Protocol

import re2

from server.protocol.errors import FlagpostError

MAX_BYTES = 1024 * 1024
"""Maximum memory of a compiled expression."""


class Match(Protocol):
    """A part of the text that matched."""

    def span(self) -> tuple[int, int]:
        """Return the start and end of this part."""


class Pattern(Protocol):
    """A compiled expression."""

    def search(self, text: str) -> Match | None:
        """Return the first match; None if there is none."""

    def finditer(self, text: str) -> Iterator[Match]:
        """Yield all matches, from left to right."""


class PatternError(FlagpostError):
    """An expression that cannot be used; the text says why."""


def compile_pattern(expression: str) -> Pattern:
    """Compile an expression. Raises PatternError if it is not valid, or would match every text."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_BYTES
    try:
        found: Pattern = re2.compile(expression, options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        raise PatternError(why.decode(errors="replace") if isinstance(why, bytes) else str(why)) from None
    if found.search(""):
        raise PatternError("it matches the empty text, and so everything")
    return found
