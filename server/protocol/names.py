"""Compares display names, in the server and in the client alike."""

import unicodedata

from server.protocol.characters import ZERO
from server.protocol.frames import MAX_NAME_CHARS

MAX_TYPED_CHARS = 8 * MAX_NAME_CHARS
"""Maximum length before accents are composed; normalising a longer text can take quadratic time."""
NOBODY = "\x01"
"""No name contains this character."""


def key(name: str) -> str:
    """Return the same key for all spellings of a name: ignores case, width, ligatures, spacing and accent encoding."""
    # What could not be looked up matches nobody.
    name = name.replace(ZERO, NOBODY)
    if len(name) > MAX_TYPED_CHARS:
        return f"{NOBODY}{name}"
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())
