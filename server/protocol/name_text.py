"""Names in text: the characters a name is made of, and how to write it in a line so that it cannot imitate the line."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from server.protocol.characters import JOINERS, UNSEEN, VARIATIONS

PUNCTUATION = frozenset("_.'’-·・׳་")
"""What names are spelled with: bob_2, x.y, O'Brien, Jean-Luc, Gal·la, マリー・キュリー, ג׳ורג׳, བསྟན་འཛིན.

Of the quotation marks only the two apostrophes U+0027 and U+2019: many languages spell names with them, and no output
takes them for quotation marks.
"""
APOSTROPHES = frozenset("'’ʻʼ׳")
MODIFIERS = frozenset("ʻʼ々〻ゝゞーヽヾๆໆៗᱸᱹ")
"""Modifier letters of ordinary spelling. The others are phonetic signs, and several look like `:`, `"` or `!`."""
SEPARATOR = "» "
"""Ends the author of a line. No name has it and no letter looks like it, as many scripts have one that looks like :."""
UNFIT = "\ufffd"
"""Replaces a character that no name contains. No name contains this one either."""

_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "No"})
_MARKS = frozenset({"Mn", "Mc"})
_GLUE = re.compile(f"[{JOINERS}{VARIATIONS}]")
_HALF_SYLLABLE = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff]")
"""Conjoining vowels and final consonants of Hangul: zero-width unless composed."""


def unfit(name: str) -> str:
    """Return the characters of a name (in NFC) that no name has, or not in that place."""
    return "".join(char for char, fits in _judged(name, glue=False) if not fits)


@lru_cache(maxsize=4096)
def shown(name: str) -> str:
    """Return a name from an untrusted source as one line shows it: each unfit character becomes U+FFFD."""
    words = " ".join(unicodedata.normalize("NFC", name).split())
    return "".join(char if fits else UNFIT for char, fits in _judged(words, glue=True)) or UNFIT


def quoted(name: str) -> str:
    """Return a name as a sentence mentions it."""
    return f"“{shown(name)}”"


def place(text: str) -> str:
    """Return the display name of a channel, which may contain anything else, without what ends an author."""
    return text.replace(SEPARATOR.strip(), UNFIT)


def said(author: str, text: str, note: str = "") -> str:
    """Return an author and a text, which comes last because it may contain anything; `note` qualifies the message."""
    return f"{shown(author)}{f' ({note})' if note else ''}{SEPARATOR}{text}"


def _judged(name: str, *, glue: bool) -> Iterator[tuple[str, bool]]:
    """Yield each character and whether it fits; `glue` allows joiners and variation selectors behind what they join."""
    base = ""
    for char in name:
        if _GLUE.match(char):
            yield char, glue and bool(base) and not base.isascii()
        elif unicodedata.category(char) in _MARKS:
            yield char, _carries(base, char)
        elif "\U0001f3fb" <= char <= "\U0001f3ff":
            yield char, _is_emoji(base)
        else:
            base = char
            yield char, not _HALF_SYLLABLE.match(char) and all(map(_fits, {char, *unicodedata.normalize("NFKC", char)}))


def _carries(base: str, mark: str) -> bool:
    """Whether a mark belongs on a base: without a letter it looks like punctuation, as a visarga does behind Latin."""
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
    """Whether a character is an emoji by itself: those are the wide symbols outside of the Chinese blocks."""
    if "\U0001f1e6" <= char <= "\U0001f1ff":
        return True
    wide = unicodedata.category(char or " ") == "So" and unicodedata.east_asian_width(char) == "W"
    return wide and ("\u2600" <= char <= "\u2bff" or char >= "\U0001f300")
