"""Names in text: the allowed characters, and how to print a name so that it cannot imitate the text around it."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from server.protocol.characters import JOINERS, UNSEEN, VARIATIONS

MAX_NAME_CHARS = 32
PUNCTUATION = frozenset("_.'’-·・׳་")
"""Punctuation in names: bob_2, x.y, O'Brien, Jean-Luc, Gal·la, マリー・キュリー, ג׳ורג׳, བསྟན་འཛིན.

The only quotation marks are the two apostrophes U+0027 and U+2019: many languages need them, and we never quote with
them.
"""
APOSTROPHES = frozenset("'’ʻʼ׳")
MODIFIERS = frozenset("ʻʼ々〻ゝゞーヽヾๆໆៗᱸᱹ")
"""Modifier letters used in ordinary spelling. The others are phonetic signs; several look like `:`, `"` or `!`."""
SEPARATOR = "» "
"""Separates author and text. Not allowed in names and, unlike `:`, not similar to a letter of any script."""
UNFIT = "\ufffd"
"""Replaces the characters that are not allowed in names, and is not allowed there itself."""

_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "No"})
_MARKS = frozenset({"Mn", "Mc"})
_GLUE = re.compile(f"[{JOINERS}{VARIATIONS}]")
_HALF_SYLLABLE = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff]")
"""Conjoining vowels and final consonants of Hangul: zero-width unless composed."""


def unfit(name: str) -> str:
    """Return the characters of a name (in NFC) that are not allowed, or not at their position."""
    return "".join(char for char, fits in _judged(name, glue=False) if not fits)


@lru_cache(maxsize=4096)
def shown(name: str) -> str:
    """Return a name from an untrusted source for output on one line; disallowed characters become U+FFFD."""
    words = " ".join(unicodedata.normalize("NFC", name).split())
    return "".join(char if fits else UNFIT for char, fits in _judged(words, glue=True)) or UNFIT


def quoted(name: str) -> str:
    """Return a name in quotation marks, for use in a sentence."""
    return f"“{shown(name)}”"


def place(text: str) -> str:
    """Return a channel's display name with the author separator replaced; it may contain any other character."""
    return text.replace(SEPARATOR.strip(), UNFIT)


def said(author: str, text: str, note: str = "") -> str:
    """Format a message on one line. The text is last, because it may contain anything; `note` qualifies the message."""
    return f"{shown(author)}{f' ({note})' if note else ''}{SEPARATOR}{text}"


def _judged(name: str, *, glue: bool) -> Iterator[tuple[str, bool]]:
    """Yield each character and whether it is allowed; `glue` allows joiners and variation selectors after a base."""
    base = ""
    for char in name:
        if _GLUE.match(char):
            fits = glue and bool(base) and not base.isascii()
        elif unicodedata.category(char) in _MARKS:
            fits = _carries(base, char)
        elif "\U0001f3fb" <= char <= "\U0001f3ff":
            fits = _is_emoji(base)
        else:
            fits = _is_base(char)
            base = char
        if not fits:
            # Otherwise the marks after a replaced character would be shown on the replacement.
            base = ""
        yield char, fits


@lru_cache(maxsize=1024)
def _is_base(char: str) -> bool:
    return not _HALF_SYLLABLE.match(char) and all(map(_fits, {char, *unicodedata.normalize("NFKC", char)}))


def _carries(base: str, mark: str) -> bool:
    """Return whether a mark may follow a base. After Latin letters, for example, a visarga would look like a colon."""
    if not base or UNSEEN.match(mark) or unicodedata.category(base) not in _LETTERS | {"Lm"}:
        return False
    return unicodedata.category(mark) == "Mn" or _script(base) == _script(mark)


def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]


def _fits(char: str) -> bool:
    kind = unicodedata.category(char)
    if kind in _LETTERS:
        return not UNSEEN.match(char)
    return kind in _MARKS or char == " " or char in PUNCTUATION or char in MODIFIERS or _is_emoji(char)


def _is_emoji(char: str) -> bool:
    """Return whether a character is an emoji by itself: a wide symbol outside the Chinese blocks."""
    if "\U0001f1e6" <= char <= "\U0001f1ff":
        return True
    wide = unicodedata.category(char or " ") == "So" and unicodedata.east_asian_width(char) == "W"
    return wide and ("\u2600" <= char <= "\u2bff" or char >= "\U0001f300")
