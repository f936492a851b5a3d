"""What a person searches for, and how the index is asked for it."""

from typing import NamedTuple

from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal

TOKEN_CHARS = 3
"""The index holds so many characters in a row; shorter words are looked for without it."""


MAX_TOKENS = 16
"""Of all words together: so many narrow the search down enough, and each that is asked for has to be read."""


class Query(NamedTuple):
    """Words that a message must hold, each anywhere and in any case."""

    words: tuple[str, ...]

    @property
    def indexed(self) -> str:
        """What FTS5 is asked: parts of words as quoted strings; empty if all words are too short for the index.

        The index knows which messages hold a part, and not where; see `held_by`.
        """
        tokens = list(dict.fromkeys(token for word in self.words for token in _tokens(word)))
        step = -(-len(tokens) // MAX_TOKENS) or 1
        return " ".join('"' + token.replace('"', '""') + '"' for token in tokens[::step])

    @property
    def short(self) -> list[str]:
        """The other words, as patterns for LIKE with a backslash as its escape."""
        return [_pattern(word) for word in self.words if len(word) < TOKEN_CHARS]

    def held_by(self, text: str) -> bool:
        """Whether a text holds every word that is long enough for the index."""
        folded = text.casefold()
        return all(word.casefold() in folded for word in self.words if len(word) >= TOKEN_CHARS)


def query(text: str) -> Query:
    """The words of a text. Refusal if there are none."""
    words = tuple(text.replace("\x00", " ").split())
    if not words:
        raise Refusal(ErrorCode.BAD_QUERY, "Write what to search for.")
    return Query(words)


def _tokens(word: str) -> list[str]:
    return [word[start : start + TOKEN_CHARS] for start in range(len(word) - TOKEN_CHARS + 1)]


def _pattern(word: str) -> str:
    for special in "\\%_":
        word = word.replace(special, f"\\{special}")
    return f"%{word}%"
