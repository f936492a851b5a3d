"""Which names a person can have, and when two of them are the same."""

import unicodedata
from collections.abc import Container
from itertools import count

from server.protocol.characters import UNSEEN, without_heaps
from server.protocol.codes import ErrorCode
from server.protocol.frames import CHAT_SERVER, MAX_NAME_CHARS
from server.rules.refusal import Refusal


def key(name: str) -> str:
    """What two names share if people would take them for the same: without case, width and ligatures."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check(text: str) -> str:
    """The name that this text stands for: composed, spaces trimmed and single. Refusal if it cannot be one."""
    if UNSEEN.search(text):
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot hold control, invisible or direction characters.")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot be empty.")
    if len(name) > MAX_NAME_CHARS:
        raise Refusal(ErrorCode.BAD_NAME, f"A name has at most {MAX_NAME_CHARS} characters; this one has {len(name)}.")
    if name[0] in "@#/" or unicodedata.combining(name[0]):
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot begin with @, #, / or an accent.")
    if without_heaps(name) != name:
        # A client shows fewer, and would then write to a person who does not exist.
        raise Refusal(ErrorCode.BAD_NAME, "A name cannot heap so many accents on one character.")
    if key(name) == key(CHAT_SERVER):
        raise Refusal(ErrorCode.BAD_NAME, f"{CHAT_SERVER} is the name of the server itself.")
    return name


def free(name: str, taken: Container[str]) -> str:
    """This name, or with the first number that makes it one whose key is not taken: alice, alice 2, alice 3 ..."""
    if key(name) not in taken:
        return name
    for number in count(2):
        suffix = f" {number}"
        candidate = name[: MAX_NAME_CHARS - len(suffix)].rstrip() + suffix
        if key(candidate) not in taken:
            return candidate
    raise AssertionError("count() does not end")
