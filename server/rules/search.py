"""Search queries, and how they are put to the index."""

from typing import NamedTuple

from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal

TOKEN_CHARS = 3
"""The index has sequences of this many characters; shorter words are searched without it."""


MAX_TOKENS = 16
"""Maximum number of tokens looked up for a query: these narrow it down enough, and each one costs time."""


class Query(NamedTuple):
    """Words that a message must contain, anywhere and in any case."""

    words: tuple[str, ...]

    @property
    def indexed(self) -> str:
        """Return the query for FTS5: quoted tokens; empty if all words are too short for the index.

        The index knows which messages contain a token, but not where; see `matches`.
        """
        tokens = list(dict.fromkeys(token for word in self.words for token in _tokens(word)))
        step = -(-len(tokens) // MAX_TOKENS) or 1
        return " ".join('"' + token.replace('"', '""') + '"' for token in tokens[::step])

    @property
    def short(self) -> list[str]:
        """Return the short words as LIKE patterns, with a backslash as the escape character."""
        return [_pattern(word) for word in self.words if len(word) < TOKEN_CHARS]

    def matches(self, text: str) -> bool:
        """Return whether a text contains every word that is long enough for the index."""
        folded = text.casefold()
        return all(word.casefold() in folded for word in self.words if len(word) >= TOKEN_CHARS)


def query(text: str) -> Query:
    """Split a text into words. Raises Refusal if there are none."""
    words = tuple(text.replace("\x00", " ").split())
    if not words:
        raise Refusal(ErrorCode.BAD_QUERY, "Type what to search for.")
    return Query(words)


def _tokens(word: str) -> list[str]:
    return [word[start : start + TOKEN_CHARS] for start in range(len(word) - TOKEN_CHARS + 1)]


def _pattern(word: str) -> str:
    for special in "\\%_":
        word = word.replace(special, f"\\{special}")
    return f"%{word}%"
