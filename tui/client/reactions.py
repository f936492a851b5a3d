"""Reactions to a message: emoji, and the people who added each."""

from collections.abc import Iterable, Set

from msgspec import Struct

from server.protocol import frames
from tui.limits import MAX_EMOJI, MAX_NAMES


class ShownReaction(Struct, frozen=True):
    """An emoji under a message; `mine`: the user added it too."""

    emoji: str
    usernames: tuple[str, ...]
    mine: bool


def listed(reactions: Iterable[frames.Reaction], own_names: Set[str]) -> tuple[ShownReaction, ...]:
    """Convert the reactions that the server lists."""
    return tuple(_reaction(each.emoji, tuple(each.usernames), own_names) for each in reactions if each.usernames)


def changed(
    reactions: tuple[ShownReaction, ...], change: frames.Reacted, own_names: Set[str]
) -> tuple[ShownReaction, ...]:
    """Return the reactions after one was added or removed; repeating a change has no effect."""
    emoji = " ".join(change.message.split())
    there = {each.emoji: each for each in reactions}
    before = there[emoji].usernames if emoji in there else ()
    names = tuple(name for name in before if name != change.username)
    if not change.remove and len(names) < MAX_NAMES and (before or len(there) < MAX_EMOJI):
        names = (*names, change.username)
    there[emoji] = _reaction(emoji, names, own_names)
    return tuple(each for each in there.values() if each.usernames)


def _reaction(emoji: str, names: tuple[str, ...], own_names: Set[str]) -> ShownReaction:
    return ShownReaction(emoji, names, not own_names.isdisjoint(names))
