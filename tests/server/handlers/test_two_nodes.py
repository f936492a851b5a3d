"""People in a room that two servers share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.protocol.frames import Message, Presence, Say, Who
from server.rules.visibility import GONE, JOINED
from tests.support.node_pair import Guest, Node, Shared, shared_room, until


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    async with shared_room(tmp_path / "room.sqlite") as made:
        yield made


@pytest.fixture
async def first(shared: Shared) -> Node:
    return await shared.open_node("first")


@pytest.fixture
async def second(shared: Shared, first: Node) -> Node:
    """A server that was started after the first one."""
    return await shared.open_node("second")


def listed(guest: Guest) -> list[str]:
    """Return the names in the who list that somebody received."""
    return sorted(entry.username for frame in guest.of(Who) for entry in frame.who_list)


def changes(guest: Guest, name: str) -> list[str]:
    """Return what somebody received about a person's coming and going."""
    return [each.message for each in guest.of(Presence) if each.username == name and each.message]


async def test_people_on_both_servers_see_each_other(first: Node, second: Node) -> None:
    ada = await first.enter("ada")
    bob = await second.enter("bob")
    assert listed(bob) == ["ada", "bob"]
    await until(lambda: changes(ada, "bob") == [JOINED])
    assert second.dispatcher.hub.names() == ["bob", "ada"]
    bob.send(Say("lobby", "hello", "n-1"))
    await until(lambda: [each.message for each in ada.of(Message)] == ["hello"])
    bob.hang_up()
    await until(lambda: changes(ada, "bob") == [JOINED, GONE])
    assert first.dispatcher.hub.names() == ["ada"]
