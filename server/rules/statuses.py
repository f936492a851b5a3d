"""The statuses that a person can set."""

from server.protocol.characters import UNSEEN, limit_marks
from server.protocol.codes import ErrorCode
from server.rules.ranks import Rank
from server.rules.refusal import Refusal

ONLINE = "online"
HIDDEN = "hidden"
"""The status of an operator who is hidden from others."""


def check_status(text: str, rank: Rank = Rank.PERSON) -> str:
    """Return a status as one line; empty means online. Raises Refusal for invisible characters, or if not allowed."""
    words = " ".join(text.split())
    if words.casefold() == HIDDEN:
        if rank is not Rank.OPERATOR:
            raise Refusal(ErrorCode.BAD_STATUS, "Only operators can be hidden. Choose another status.")
        return HIDDEN
    if UNSEEN.search(words) or limit_marks(words) != words:
        raise Refusal(
            ErrorCode.BAD_STATUS, "A status cannot contain control, invisible or direction characters. Remove them."
        )
    return words or ONLINE
