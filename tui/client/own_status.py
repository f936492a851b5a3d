"""The user's own status, and Do not disturb."""

from server.protocol.frames import MAX_STATUS_CHARS, Me, SetStatus, WhoEntry

ONLINE, AWAY = "online", "away"


def problem_of(words: str) -> str | None:
    """Return why the words are unusable as a status; None if they are usable."""
    excess = f"The status has {len(words)} characters; the limit is {MAX_STATUS_CHARS}. Shorten it."
    return excess if len(words) > MAX_STATUS_CHARS else None


def again(before: WhoEntry | None, granted: Me) -> SetStatus | None:
    """Return the frame that restores the status after a login, if the server has forgotten it; else None."""
    if before is None or (before.status == granted.status and not before.dnd):
        return None
    return SetStatus(before.status, before.dnd)
