"""Compares display names, in the server and in the client alike."""

import unicodedata

from server.protocol.frames import MAX_NAME_CHARS

MAX_TYPED_CHARS = 8 * MAX_NAME_CHARS
"""Maximum length before accents are composed; normalising a longer text can take quadratic time."""


def key(name: str) -> str:
    """Return the same key for all spellings of a name: ignores case, width, ligatures, spacing and accent encoding."""
    if len(name) > MAX_TYPED_CHARS:
        # Matches nobody's name, because no name contains this character.
        return f"\x00{name}"
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())
