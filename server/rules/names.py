"""Display names: which are allowed, and which are free."""

import re
import unicodedata
from collections.abc import Callable

from precis_i18n import get_profile

from server.protocol.characters import UNSEEN, limit_marks
from server.protocol.codes import ErrorCode
from server.protocol.frames import CHAT_SERVER
from server.protocol.name_text import APOSTROPHES, MAX_NAME_CHARS, PUNCTUATION, quoted, unfit
from server.protocol.names import MAX_TYPED_CHARS
from server.rules.lookalikes import poses_as
from server.rules.refusal import Refusal

ALLOWED = "Use letters, numbers, spaces, emoji and _ . ' - in a name."
BETWEEN = PUNCTUATION - APOSTROPHES - {"_"}
"""Not allowed at the start of a name, where it looks like a list item or a notice."""

_NOT_LAST = " " + "".join(BETWEEN)
"""Characters that a shortened name may not end in: the dots of some scripts are allowed only between two letters."""
_NICKNAME = get_profile("NicknameCasePreserved").base
_TWO_APOSTROPHES = re.compile(f"[{''.join(sorted(APOSTROPHES))}]{{2}}")
"""Two apostrophes look like a quotation mark."""


def check(text: str) -> str:
    """Return the normalised name: accents composed, spaces trimmed and collapsed. Raises Refusal if not allowed."""
    if UNSEEN.search(text):
        raise Refusal(
            ErrorCode.BAD_NAME, "A name cannot contain control, invisible or direction characters. Remove them."
        )
    _check_length(text, MAX_TYPED_CHARS)
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot be empty.")
    _check_length(name, MAX_NAME_CHARS)
    if limit_marks(name) != name:
        # Clients show fewer marks, so a name copied from there would not be found.
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot have that many accents on one character. Remove some.")
    if bad := unfit(name):
        raise Refusal(ErrorCode.BAD_NAME, f"{ALLOWED} Remove {_code_point(bad[0])}.")
    if name[0] in BETWEEN or _TWO_APOSTROPHES.search(name):
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot start with . or -, or contain two apostrophes in a row.")
    _check_profile(name)
    if poses_as(name, CHAT_SERVER):
        raise Refusal(ErrorCode.BAD_NAME, f"{CHAT_SERVER} is the name of the server itself. Choose another.")
    return name


def unknown(name: str) -> Refusal:
    """Return the refusal for a name that no one has had, or whose holder a block hides."""
    return Refusal(ErrorCode.NOT_HERE, f"No one named {quoted(name)} has been here. Check the spelling.")


def _check_length(text: str, limit: int) -> None:
    if len(text) > limit:
        raise Refusal(
            ErrorCode.BAD_NAME, f"The name has {len(text)} characters; the limit is {MAX_NAME_CHARS}. Shorten it."
        )


def _check_profile(name: str) -> None:
    """Raise Refusal if PRECIS does not allow a character in nicknames (RFC 8266), or not in its position."""
    try:
        _NICKNAME.enforce(name)
    except UnicodeEncodeError as error:
        bad = error.object[error.start : error.start + 1]
        where = f"Remove {_code_point(bad)}." if bad else "Choose another."
        raise Refusal(ErrorCode.BAD_NAME, f"This name is not allowed. {where}") from None


def _code_point(char: str) -> str:
    """Return the code point and the name of a character, which may be invisible."""
    return f"U+{ord(char):04X} ({unicodedata.name(char, 'unassigned').lower()})"


def free(name: str, is_taken: Callable[[str], bool]) -> str:
    """Return the name, with a number if it is taken: alice, alice 2, alice 3 ...

    Searches in logarithmic time, so with gaps among the numbers in use it is not always the lowest free one.
    """

    def candidate(number: int) -> str:
        suffix = f" {number}" if number > 1 else ""
        return name[: MAX_NAME_CHARS - len(suffix)].rstrip(_NOT_LAST if suffix else None) + suffix

    used, unused = 0, 1
    while is_taken(candidate(unused)):
        used, unused = unused, 2 * unused
    while unused - used > 1:
        middle = (used + unused) // 2
        if is_taken(candidate(middle)):
            used = middle
        else:
            unused = middle
    return candidate(unused)
