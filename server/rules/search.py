"""What a person searches for, and how the index is asked for it."""

from typing import NamedTuple

from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal

TOKEN_CHARS = 3
"""The index holds so many characters in a row; shorter words are looked for without it."""


class Query(NamedTuple):
    """Words that a message must hold, each anywhere and in any case."""

    words: tuple[str, ...]

    @property
    def indexed(self) -> str:
        """What FTS5 is asked: words as quoted strings; empty if all of them are too short for the index."""
        return " ".join('"' + word.replace('"', '""') + '"' for word in self.words if len(word) >= TOKEN_CHARS)

    @property
    def short(self) -> list[str]:
        """The other words, as patterns for LIKE with a backslash as its escape."""
        return [_pattern(word) for word in self.words if len(word) < TOKEN_CHARS]


def query(text: str) -> Query:
    """The words of a text. Refusal if there are none."""
    words = tuple(text.replace("\x00", " ").split())
    if not words:
        raise Refusal(ErrorCode.BAD_QUERY, "Write what to search for.")
    return Query(words)


def _pattern(word: str) -> str:
    for special in "\\%_":
        word = word.replace(special, f"\\{special}")
    return f"%{word}%"
