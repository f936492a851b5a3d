"""Which names a person can have, and when two of them are the same."""

import re
import unicodedata
from collections.abc import Container

from server.protocol.characters import UNSEEN, without_heaps
from server.protocol.codes import ErrorCode
from server.protocol.frames import CHAT_SERVER, MAX_NAME_CHARS
from server.protocol.name_text import APOSTROPHES, PUNCTUATION, unfit
from server.rules.refusal import Refusal

MAX_TYPED_CHARS = 8 * MAX_NAME_CHARS
"""Of a text before accents are composed; normalising a longer one can take the square of its length."""
ALLOWED = "A name has letters, numbers, spaces, emoji and _ . ' -."
BETWEEN = PUNCTUATION - APOSTROPHES - {"_"}
"""Stands within a name only: at the beginning of a line it looks like a list or a notice."""

_TWO_APOSTROPHES = re.compile(f"[{''.join(sorted(APOSTROPHES))}]{{2}}")
"""Looks like a quotation mark."""


def key(name: str) -> str:
    """What two names share if people would take them for the same: without case, width and ligatures."""
    if len(name) > MAX_TYPED_CHARS:
        # Nobody's: no name can hold this character.
        return f"\x00{name}"
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check(text: str) -> str:
    """The name that this text stands for: composed, spaces trimmed and single. Refusal if it cannot be one."""
    if UNSEEN.search(text):
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot hold control, invisible or direction characters.")
    if len(text) > MAX_TYPED_CHARS:
        raise Refusal(ErrorCode.BAD_NAME, f"A name has at most {MAX_NAME_CHARS} characters; this one has {len(text)}.")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot be empty.")
    if len(name) > MAX_NAME_CHARS:
        raise Refusal(ErrorCode.BAD_NAME, f"A name has at most {MAX_NAME_CHARS} characters; this one has {len(name)}.")
    if without_heaps(name) != name:
        # A client shows fewer, and would then write to a person who does not exist.
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot heap so many accents on one character.")
    if bad := unfit(name):
        raise Refusal(ErrorCode.BAD_NAME, f"{ALLOWED} Leave out {_code_point(bad[0])}.")
    if name[0] in BETWEEN or _TWO_APOSTROPHES.search(name):
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot begin with . or -, or have two apostrophes in a row.")
    if key(name) == key(CHAT_SERVER):
        raise Refusal(ErrorCode.BAD_NAME, f"{CHAT_SERVER} is the name of the server itself.")
    return name


def _code_point(char: str) -> str:
    """A character in words: itself might not be visible."""
    return f"U+{ord(char):04X} ({unicodedata.name(char, 'unassigned').lower()})"


def free(name: str, taken: Container[str]) -> str:
    """Return this name, or with a number that makes it one whose key is not taken: alice, alice 2, alice 3 ...

    It is the next number after those in a row, as a rule: of many people with one name only a few are looked at.
    """

    def candidate(number: int) -> str:
        suffix = f" {number}" if number > 1 else ""
        return name[: MAX_NAME_CHARS - len(suffix)].rstrip() + suffix

    used, unused = 0, 1
    while key(candidate(unused)) in taken:
        used, unused = unused, 2 * unused
    while unused - used > 1:
        middle = (used + unused) // 2
        if key(candidate(middle)) in taken:
            used = middle
        else:
            unused = middle
    return candidate(unused)
