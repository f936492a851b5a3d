"""Finds texts that mention a person: the server counts them, and clients highlight them."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from server.protocol import names
from server.protocol.characters import limit_marks

WORD = "[0-9A-Za-z_]"
"""Word characters: next to a name that begins or ends with one, they make it part of a longer word."""
_ADDRESS_BEFORE, _DOTTED = re.compile(r"\w[@.]"), re.compile(r"\.\w")
"""Match the text around a name in addresses and file names, like me@ada.example."""


def mentions(text: str, wanted: Iterable[str]) -> bool:
    """Return whether a text contains one of these names as a word, in any spelling (see `names.key`)."""
    folded = _folded(text)
    return any(_is_whole_word(folded, found) for name in wanted for found in _pattern(names.key(name)).finditer(folded))


def _is_whole_word(text: str, found: re.Match[str]) -> bool:
    """Return whether a match is a whole word, not a part of a longer one."""
    start, end = found.span()
    if start == end:
        return False
    before, behind = text[max(0, start - 1) : start], text[end : end + 1]
    if _is_joined(before, text[start]) or _is_joined(behind, text[end - 1]):
        return False
    return not _ADDRESS_BEFORE.match(text[max(0, start - 2) : start]) and not _DOTTED.match(text, end)


def _is_joined(neighbour: str, edge: str) -> bool:
    """Return whether a neighbouring character belongs to the same word. Wide scripts have no spaces between words."""
    if not _is_part_of_word(neighbour) or not _is_part_of_word(edge):
        return False
    return (neighbour + edge).isascii() or not (_is_wide(neighbour) or _is_wide(edge))


def _is_part_of_word(char: str) -> bool:
    return char.isalnum() or char == "_" or (bool(char) and unicodedata.category(char).startswith("M"))


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in {"W", "F"}


def _folded(text: str) -> str:
    if text.isascii():
        return text.casefold()
    # Sorting long runs of combining marks takes quadratic time.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", limit_marks(text)).casefold())


@lru_cache(maxsize=1024)
def _pattern(key: str) -> re.Pattern[str]:
    # In the text, a line break may replace a space of the name.
    words = r"\s+".join(re.escape(word) for word in key.split())
    # A hostile text may repeat a name within words a thousand times: the pattern rejects the plain cases cheaply.
    before = f"(?<!{WORD})" if re.match(WORD, key) else ""
    behind = f"(?!{WORD})" if re.match(WORD, key[-1:]) else ""
    return re.compile(f"{before}{words}{behind}")
