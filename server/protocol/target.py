"""Targets, the `channel` field of frames: the ID of a channel, or `@username` for a conversation.

Channel IDs cannot contain the sign, so a target is always one or the other.
"""

_SIGN = "@"


def conversation(username: str) -> str:
    """Return the target of the conversation with a user."""
    return f"{_SIGN}{username}"


def is_conversation(target: str) -> bool:
    """Return whether a target is a conversation, not a channel."""
    return target.startswith(_SIGN)


def name_of(target: str) -> str | None:
    """Return the username of a conversation; None if the target is a channel."""
    return target[len(_SIGN) :] if is_conversation(target) else None


def without_sign(name: str) -> str:
    """Return a name that the user typed, without a leading sign."""
    return name.removeprefix(_SIGN)
