"""What stands under a message: emoji, and who put each there."""

from collections.abc import Iterable, Set

from msgspec import Struct

from server.protocol import frames


class Reaction(Struct, frozen=True):
    """An emoji under a message; `mine`: one put it there oneself too."""

    emoji: str
    usernames: tuple[str, ...]
    mine: bool


def told(reactions: Iterable[frames.Reaction], own_names: Set[str]) -> tuple[Reaction, ...]:
    """All that the server says stands there."""
    return tuple(_reaction(each.emoji, tuple(each.usernames), own_names) for each in reactions if each.usernames)


def changed(reactions: tuple[Reaction, ...], change: frames.Reacted, own_names: Set[str]) -> tuple[Reaction, ...]:
    """What stands there after a person put an emoji there or took it away; what holds already changes nothing."""
    emoji = " ".join(change.message.split())
    there = {each.emoji: each.usernames for each in reactions}
    others = tuple(name for name in there.get(emoji, ()) if name != change.username)
    there[emoji] = others if change.remove else (*others, change.username)
    return tuple(_reaction(each, names, own_names) for each, names in there.items() if names)


def _reaction(emoji: str, names: tuple[str, ...], own_names: Set[str]) -> Reaction:
    return Reaction(emoji, names, not own_names.isdisjoint(names))
