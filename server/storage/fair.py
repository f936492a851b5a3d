"""A fair queue: users take turns, so that many items of one user do not delay the first item of another."""

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")


class QueueKey(NamedTuple):
    """The owner of an item: groups take turns, and within a group its members."""

    group: Hashable
    member: Hashable


SERVER = QueueKey("server", "server")
"""The server's own work."""


class FairQueue(Generic[Item]):
    """Round robin by group, then by member; a member's items keep their order. All calls take constant time."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Hashable, OrderedDict[Hashable, deque[Item]]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        """Return the number of waiting items."""
        return self._size

    def put(self, key: QueueKey, item: Item) -> None:
        """Add an item after those of the same member."""
        members = self._groups.setdefault(key.group, OrderedDict())
        members.setdefault(key.member, deque()).append(item)
        self._size += 1

    def get(self) -> Item:
        """Remove and return the next item. Raises IndexError if the queue is empty."""
        if not self._groups:
            raise IndexError("the queue is empty")
        group, members = next(iter(self._groups.items()))
        member, items = next(iter(members.items()))
        item = items.popleft()
        _rotate(members, member, keep=bool(items))
        _rotate(self._groups, group, keep=bool(members))
        self._size -= 1
        return item


def _rotate(line: "OrderedDict[Hashable, Item]", first: Hashable, *, keep: bool) -> None:
    if keep:
        line.move_to_end(first)
    else:
        del line[first]
