"""Connections break at random points: no confirmed message is missing or duplicated, and every gap is shown."""

from pathlib import Path

from tests.support.faulty_room import DECK, TornRoom


async def test_a_room_with_repeatedly_broken_connections_loses_and_repeats_nothing(tmp_path: Path) -> None:
    room = TornRoom(tmp_path, seed=5)
    async with room.open():
        await room.tear(len(DECK))
        await room.settle()
        assert room.faults() == []
