"""How a person can say that they are."""

from server.protocol.characters import UNSEEN, without_heaps
from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal

ONLINE = "online"


def check_status(text: str) -> str:
    """A few words in one line; empty means online. Refusal if they hold what cannot be seen."""
    words = " ".join(text.split())
    if UNSEEN.search(words) or without_heaps(words) != words:
        raise Refusal(ErrorCode.BAD_STATUS, "A status cannot hold control, invisible or direction characters.")
    return words or ONLINE
