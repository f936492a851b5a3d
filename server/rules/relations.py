"""Who does not read whom: a mute hides messages in one direction, a block in both."""

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import NamedTuple


class Relation(NamedTuple):
    """A person's mute or block of another, whose name is the one of that time."""

    identity: str
    other: str
    other_name: str
    blocked: bool
    after: int = 0
    """The last message before the block."""


class Relations:
    """All relations of a room, indexed for a look-up with each message."""

    def __init__(self) -> None:
        self._of: defaultdict[str, dict[str, Relation]] = defaultdict(dict)
        self._unread_by: defaultdict[str, set[str]] = defaultdict(set)
        self._apart: defaultdict[str, set[str]] = defaultdict(set)
        self.parted: Callable[[str, str], None] = lambda _one, _other: None
        """Called with two people when a block between them starts or ends."""

    def of(self, identity: str) -> Collection[Relation]:
        """Return a person's own mutes and blocks."""
        return self._of.get(identity, {}).values()

    def unread_by(self, author: str) -> Collection[str]:
        """Return who does not see this author's messages: they muted or blocked the author, or are blocked."""
        return self._unread_by.get(author, ())

    def hidden_to(self, reader: str) -> list[str]:
        """Return the identities whose messages this person does not see."""
        return [*{relation.other for relation in self.of(reader)} | set(self.apart_from(reader))]

    def apart_from(self, identity: str) -> Collection[str]:
        """Return the identities with a block between them and this person."""
        return self._apart.get(identity, ())

    def said_unseen(self, reader: str, author: str, msg_id: int) -> bool:
        """Return whether a message was sent during a current block between the two; earlier ones both have seen."""
        both = self._of.get(reader, {}).get(author), self._of.get(author, {}).get(reader)
        return any(each.blocked and msg_id > each.after for each in both if each)

    def set(self, relation: Relation) -> None:
        """Mute or block; replaces the previous relation."""
        wants = self._of[relation.identity]
        # Keep the latest last.
        wants.pop(relation.other, None)
        wants[relation.other] = relation
        self._renew(relation.identity, relation.other)

    def remove(self, identity: str, other: str) -> None:
        """End a mute or block."""
        if self._of.get(identity, {}).pop(other, None):
            self._renew(identity, other)

    def _renew(self, one: str, other: str) -> None:
        wants, wanted = self._of.get(one, {}).get(other), self._of.get(other, {}).get(one)
        was = other in self.apart_from(one)
        apart = bool(wants and wants.blocked) or bool(wanted and wanted.blocked)
        for index, key, member, holds in (
            (self._apart, one, other, apart),
            (self._apart, other, one, apart),
            (self._unread_by, other, one, apart or wants is not None),
            (self._unread_by, one, other, apart or wanted is not None),
        ):
            _keep(index, key, member, holds=holds)
        if apart != was:
            self.parted(one, other)


def _keep(index: dict[str, set[str]], key: str, member: str, *, holds: bool) -> None:
    if holds:
        index[key].add(member)
    elif key in index:
        index[key].discard(member)
        if not index[key]:
            del index[key]
