"""Finds names that look alike, by the skeletons of UTS 39."""

import re
import unicodedata
from functools import lru_cache

from server.protocol.names import MAX_TYPED_CHARS, key
from server.rules.confusables import LOOKALIKES

_SOFT_DOTTED = re.compile("([ij\u0131\u0237])\u0307")
"""An i or j, dotted or dotless, and a combining dot, which is dropped because it makes no visible difference."""


def _parsed(table: str) -> dict[int, str]:
    """Return the text that each character looks like."""
    found: dict[int, str] = {}
    for line in table.splitlines():
        text, _, chars = line.partition(":")
        looks = "".join(chr(int(code, 16)) for code in text.split())
        found.update((int(code, 16), looks) for code in chars.split())
    return found


_PROTOTYPES = _parsed(LOOKALIKES)
_PROTOTYPES_BEYOND_ASCII = {code: text for code, text in _PROTOTYPES.items() if code > 127}


@lru_cache(maxsize=4096)
def keys(name: str) -> frozenset[str]:
    """Return the keys of a name: two names look alike if they have a key in common.

    One key is the name as it looks. The others compare without case; there I, l and 1 differ, as i, l and 1 do.
    """
    if len(name) > MAX_TYPED_CHARS:
        return frozenset({key(name)})
    # In most names, two or all three of these are the same.
    beyond_ascii = name if name.isascii() else _skeleton(name, _PROTOTYPES_BEYOND_ASCII)
    return frozenset(_skeleton(text, _PROTOTYPES) for text in {name, key(name), key(beyond_ascii)})


def poses_as(name: str, other: str) -> bool:
    """Return whether a name looks like another one, however it is spaced, accented, numbered or decorated."""
    return not keys(_letters(name)).isdisjoint(keys(_letters(other)))


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKD", name)))


def _skeleton(text: str, prototypes: dict[int, str]) -> str:
    decomposed = _SOFT_DOTTED.sub(r"\1", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFD", decomposed.translate(prototypes))
