"""Mutes and blocks: a mute hides messages in one direction, a block in both."""

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import NamedTuple

from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal

MAX_RELATIONS = 1_000
"""Maximum number of people that one person mutes or blocks: the list of them is one frame."""


class Relation(NamedTuple):
    """A person's mute or block of another, with the other's name at that time."""

    identity: str
    other: str
    other_name: str
    blocked: bool
    after: int = 0
    """The number of the last message before the block."""


class RelationIndex:
    """All relations of a room, indexed for a look-up with each message."""

    def __init__(self) -> None:
        self._of: defaultdict[str, dict[str, Relation]] = defaultdict(dict)
        self._muted_by: defaultdict[str, set[str]] = defaultdict(set)
        self._blocked_with: defaultdict[str, set[str]] = defaultdict(set)
        self.on_visibility_change: Callable[[str, str], None] = lambda _one, _other: None
        """Called with two people when a block between them starts or ends."""

    def of(self, identity: str) -> Collection[Relation]:
        """Return a person's own mutes and blocks."""
        return self._of.get(identity, {}).values()

    def check(self, identity: str, other: str) -> None:
        """Raise Refusal if a person has already muted or blocked as many people as allowed."""
        wants = self._of.get(identity, {})
        if other not in wants and len(wants) >= MAX_RELATIONS:
            raise Refusal(
                ErrorCode.TOO_MANY_RELATIONS,
                f"You have muted or blocked {MAX_RELATIONS} people, which is the limit. Unmute or unblock one first.",
            )

    def muted_by(self, author: str) -> Collection[str]:
        """Return the identities from whom this author's messages are hidden, by a mute or a block."""
        return self._muted_by.get(author, ())

    def hidden_to(self, reader: str) -> list[str]:
        """Return the identities whose messages this person does not see."""
        return [*{relation.other for relation in self.of(reader)} | set(self.blocked_with(reader))]

    def blocked_with(self, identity: str) -> Collection[str]:
        """Return the identities with a block between them and this person."""
        return self._blocked_with.get(identity, ())

    def blocks_of(self, identity: str) -> list[Relation]:
        """Return the blocks by which others have blocked this person."""
        wanted = (self._of.get(other, {}).get(identity) for other in self.blocked_with(identity))
        return [each for each in wanted if each and each.blocked]

    def sent_during_block(self, reader: str, author: str, msg_id: int) -> bool:
        """Return whether a message was sent during a current block between the two. Both could see earlier ones."""
        both = self._of.get(reader, {}).get(author), self._of.get(author, {}).get(reader)
        return any(each.blocked and msg_id > each.after for each in both if each)

    def set(self, relation: Relation) -> None:
        """Add a mute or block; replaces the previous relation of the two."""
        wants = self._of[relation.identity]
        # Keep the latest last.
        wants.pop(relation.other, None)
        wants[relation.other] = relation
        self._update(relation.identity, relation.other)

    def remove(self, identity: str, other: str) -> None:
        """End a mute or block."""
        if self._of.get(identity, {}).pop(other, None):
            self._update(identity, other)

    def _update(self, one: str, other: str) -> None:
        wants, wanted = self._of.get(one, {}).get(other), self._of.get(other, {}).get(one)
        was = other in self.blocked_with(one)
        blocked = bool(wants and wants.blocked) or bool(wanted and wanted.blocked)
        for index, key, member, holds in (
            (self._blocked_with, one, other, blocked),
            (self._blocked_with, other, one, blocked),
            (self._muted_by, other, one, blocked or wants is not None),
            (self._muted_by, one, other, blocked or wanted is not None),
        ):
            _set_member(index, key, member, holds=holds)
        if blocked != was:
            self.on_visibility_change(one, other)


def _set_member(index: dict[str, set[str]], key: str, member: str, *, holds: bool) -> None:
    if holds:
        index[key].add(member)
    elif key in index:
        index[key].discard(member)
        if not index[key]:
            del index[key]
