"""Which texts name a person, for the server, which counts them, and for clients, which mark them."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from server.protocol import names
from server.protocol.characters import limit_marks


def mentions(text: str, wanted: Iterable[str]) -> bool:
    """Return whether a text contains one of these names as a word, spelled in any way that counts as the same name."""
    folded = _folded(text)
    return any(name and _pattern(names.key(name)).search(folded) for name in wanted)


def _folded(text: str) -> str:
    if text.isascii():
        return text.casefold()
    # Sorting long runs of combining marks takes quadratic time.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", limit_marks(text)).casefold())


@lru_cache(maxsize=1024)
def _pattern(key: str) -> re.Pattern[str]:
    # A text may break a name with spaces into two lines.
    words = r"\s+".join(re.escape(word) for word in key.split())
    return re.compile(rf"(?<!\w){words}(?!\w)")
