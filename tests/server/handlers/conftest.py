"""Two servers that share a room."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.node_pair import Node, Shared, shared_room


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
