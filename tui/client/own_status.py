"""How one is: one's own status, and whether one wants to be disturbed."""

from server.protocol.frames import MAX_STATUS_CHARS, Me, Status, WhoEntry

ONLINE, AWAY = "online", "away"


def problem_of(words: str) -> str:
    """Why words cannot be a status; empty if they can."""
    excess = f"The status has {len(words)} of at most {MAX_STATUS_CHARS} characters; shorten it."
    return excess if len(words) > MAX_STATUS_CHARS else ""


def again(before: WhoEntry | None, granted: Me) -> Status | None:
    """What has to be said after a login so that one is as before it: the server forgets it with the connection."""
    if before is None or (before.status == granted.status and not before.dnd):
        return None
    return Status(before.status, before.dnd)
