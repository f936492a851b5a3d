"""Compares display names, in the server and in the client alike."""

import unicodedata
from functools import lru_cache

from server.protocol.characters import ZERO
from server.protocol.name_text import MAX_NAME_CHARS

MAX_TYPED_CHARS = 8 * MAX_NAME_CHARS
"""Maximum length before accents are composed; normalising a longer text can take quadratic time."""
NOBODY = "\x01"
"""A character that no name contains."""


def key(name: str) -> str:
    """Return the same key for all spellings of a name: ignores case, width, ligatures, spacing and accent encoding."""
    return _key(name) if len(name) <= MAX_TYPED_CHARS else f"{NOBODY}{_without_zero(name)}"


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _without_zero(name)).casefold())
    return " ".join(folded.split())


def _without_zero(name: str) -> str:
    """Replace U+0000, which cannot be looked up, with a character that is in no name."""
    return name.replace(ZERO, NOBODY)
