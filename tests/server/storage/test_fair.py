"""The fair queue serves users by turns, for any order of calls."""

from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.storage.fair import FairQueue, QueueKey

turns = st.builds(QueueKey, st.integers(0, 3), st.integers(0, 3))
steps = st.lists(st.one_of(turns, st.none()), max_size=200)
"""The owner of an item to put, or None to get one."""


def taken(acts: list[QueueKey | None]) -> Iterator[tuple[list[tuple[QueueKey, int]], tuple[QueueKey, int]]]:
    """Run these calls, then empty the queue; return what was waiting before each item, and the item."""
    queue, waiting = FairQueue[tuple[QueueKey, int]](), list[tuple[QueueKey, int]]()
    for number, act in enumerate([*acts, *[None] * len(acts)]):
        if act is not None:
            queue.put(act, (act, number))
            waiting.append((act, number))
        elif waiting:
            before = list(waiting)
            item = queue.get()
            waiting.remove(item)
            yield before, item
        assert len(queue) == len(waiting)


@given(steps)
def test_every_item_is_returned_once_in_its_members_order(acts: list[QueueKey | None]) -> None:
    numbers = defaultdict[QueueKey, list[int]](list)
    for _, (key, number) in taken(acts):
        numbers[key].append(number)
    expected = defaultdict[QueueKey, list[int]](list)
    for number, act in enumerate(acts):
        if act is not None:
            expected[act].append(number)
    assert numbers == expected


@given(steps)
def test_a_group_that_waits_is_served_before_another_is_served_twice(acts: list[QueueKey | None]) -> None:
    served = defaultdict[object, set[object]](set)
    for before, (key, _) in taken(acts):
        waiting = {each.group for each, _ in before}
        for group in waiting - {key.group}:
            assert key.group not in served[group], "served twice while this one waited"
            served[group].add(key.group)
        served[key.group].clear()
        for gone in set(served) - waiting:
            del served[gone]


@given(steps)
def test_a_member_that_waits_is_served_before_another_of_its_group_is_served_twice(acts: list[QueueKey | None]) -> None:
    served = defaultdict[QueueKey, set[QueueKey]](set)
    for before, (key, _) in taken(acts):
        waiting = {each for each, _ in before}
        for member in waiting - {key}:
            if member.group == key.group:
                assert key not in served[member], "served twice while this one waited"
                served[member].add(key)
        served[key].clear()
        for gone in set(served) - waiting:
            del served[gone]


def test_an_empty_queue_raises_index_error() -> None:
    queue = FairQueue[int]()
    with pytest.raises(IndexError):
        queue.get()
    queue.put(QueueKey(1, 1), 1)
    assert queue
    assert queue.get() == 1
    assert not queue


def test_256_items_of_one_member_do_not_delay_another() -> None:
    queue = FairQueue[str]()
    for number in range(256):
        queue.put(QueueKey("mallory", "mallory"), f"history {number}")
    queue.put(QueueKey("ada", "ada"), "login")
    assert "login" in [queue.get(), queue.get()]


def test_16_sessions_of_one_address_are_served_as_one() -> None:
    queue = FairQueue[str]()
    for number in range(160):
        queue.put(QueueKey("203.0.113.9", number % 16), "history")
    for number in range(5):
        queue.put(QueueKey("198.51.100.7", "ada"), f"login {number}")
    order = [queue.get() for _ in range(10)]
    assert order.count("history") == 5
