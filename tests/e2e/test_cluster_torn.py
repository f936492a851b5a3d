"""Nodes and databases of a busy room fail: nothing confirmed is lost, and nothing is duplicated or out of order."""

from pathlib import Path

import pytest

from tests.support.faulty_cluster import Fault, FaultyCluster

FAULTS = {Fault.KILL: 3, Fault.CRASH: 2, Fault.STOP: 1, Fault.FAILOVER: 1, Fault.PARTITION: 1}


@pytest.mark.slow
async def test_a_room_whose_nodes_and_databases_fail_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    room = FaultyCluster(tmp_path, seed=3)
    async with room.open():
        await room.suffer(FAULTS)
        outcome = await room.settle()
    assert outcome.confirmed
    assert (outcome.lost, outcome.faults, outcome.ghosts) == ([], [], [])
