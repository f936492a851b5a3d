"""Sets of deceptive characters: those that control the terminal, reorder text or are invisible."""

import re
import unicodedata

ZERO, ZERO_NAME = "\0", "U+0000"
"""A character that PostgreSQL cannot store, and that SQLite's functions treat as the end of a text."""
REPLACEMENT = "\ufffd"
_ESCAPED_ZERO = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
JOINERS = r"\u200c\u200d"
"""Zero-width (non-)joiner: invisible, but needed in emoji and in Persian and Indic spelling."""
VARIATIONS = r"\ufe00-\ufe0f"
"""Variation selectors, which choose between text and emoji forms; invisible by themselves."""
INVISIBLE = (
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u2800\u3164\ufeff\uffa0"
    r"\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's default-ignorable code points that no text needs, and blank characters."""
MAX_MARKS = 6
"""Maximum number of combining marks on one character; more would paint over neighbouring lines."""
SURROGATES = r"\ud800-\udfff"

UNSEEN = re.compile(f"[{CONTROL}{BIDI}{JOINERS}{VARIATIONS}{INVISIBLE}{SURROGATES}]")
"""Characters that a name may not contain."""

_JOINER_CHARS = "\u200c\u200d"
_TOO_MANY = re.compile(f"M[ne](?:M[ne]){{{MAX_MARKS}}}")
"""Matches too many marks in a row, in the joined two-letter categories of a text. The first M, outside of the group,
lets the search skip everything else."""

_DECEIVING = re.compile(f"[{CONTROL}{BIDI}{INVISIBLE}{SURROGATES}]")


def in_one_line(text: str) -> str:
    """Return text as one line; characters that control the terminal, reorder text or are invisible become U+FFFD."""
    return _DECEIVING.sub(REPLACEMENT, limit_marks(" ".join(text.split())))


def is_blank(text: str) -> bool:
    """Return whether nothing of a text is visible."""
    return not UNSEEN.sub("", text).strip()


def limit_marks(text: str) -> str:
    """Return the text with runs of combining marks cut to MAX_MARKS; joiners do not end a run."""
    categories = "".join(map(unicodedata.category, text))
    # Joiners (in Cf) do not end a row.
    if not _TOO_MANY.search(categories.replace("Cf", "")):
        return text
    kept, marks = [], 0
    for char in text:
        if unicodedata.category(char) in {"Mn", "Me"}:
            marks += 1
        elif char not in _JOINER_CHARS:
            marks = 0
        if marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)


def has_zero(json: bytes) -> bool:
    """Return whether a text in valid JSON contains U+0000."""
    return b"\\u0000" in json and _ESCAPED_ZERO.search(json) is not None
