"""The statuses that a person can set."""

from server.protocol.characters import UNSEEN, limit_marks
from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal

ONLINE = "online"


def check_status(text: str) -> str:
    """Return a status as one line; empty means online. Raises Refusal for invisible characters."""
    words = " ".join(text.split())
    if UNSEEN.search(words) or limit_marks(words) != words:
        raise Refusal(ErrorCode.BAD_STATUS, "A status cannot contain control, invisible or direction characters.")
    return words or ONLINE
