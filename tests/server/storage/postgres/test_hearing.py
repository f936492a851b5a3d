"""A server receives each event once, whether its writer or its tail is the first to pass it on."""

import asyncio
from collections.abc import Sequence
from random import Random

from server.storage.events import NodeGone
from server.storage.pending import PendingWrite
from server.storage.postgres.hearing import Commit, Hearing, NewsRow, Position


class Room:
    """The news of a room, and one server that hears it."""

    def __init__(self) -> None:
        self.hearing = Hearing(asyncio.get_running_loop(), Position(0, 0))
        self.heard: list[str] = []
        self.rows: list[NewsRow] = []
        self.unread = 0
        self.hearing.journal.hear(NodeGone, self._hear)

    def _hear(self, events: Sequence[NodeGone]) -> None:
        self.heard += [event.node for event in events]

    def commit(self, count: int) -> Commit:
        """Commit this number of events as some server; return the answer to its writer."""
        before = len(self.rows)
        events = [NodeGone(str(before + number + 1)) for number in range(count)]
        self.rows += [NewsRow(int(event.node), before, event) for event in events]
        return Commit(before, len(self.rows), before, events)

    def write(self, count: int) -> "asyncio.Future[object]":
        """Have this server commit events, and hear of the answer."""
        write = PendingWrite[object](lambda _: None, asyncio.get_running_loop())
        self.hearing.add_own(self.commit(count), [write])
        return write.future

    def read(self) -> None:
        """Read as the tail does."""
        position = self.hearing.position.number
        self.hearing.add_read(self.rows[position : position + 3])


async def test_own_events_are_received_without_the_tail() -> None:
    room = Room()
    for count in (2, 0, 1):
        await room.write(count)
    assert room.heard == ["1", "2", "3"]
    assert room.hearing.behind == 0


async def test_own_events_wait_for_those_of_others_before_them() -> None:
    room = Room()
    room.commit(1)
    future = room.write(1)
    await asyncio.sleep(0)
    assert not future.done()
    assert room.hearing.behind == 2
    room.read()
    await future
    assert room.heard == ["1", "2"]


async def test_tail_that_reads_before_it_is_woken_is_not_behind() -> None:
    room = Room()
    room.commit(2)
    room.read()
    room.hearing.know(1)
    assert room.hearing.behind == 0


async def test_all_events_are_received_once_in_order() -> None:
    for seed in range(20):
        room, random, futures = Room(), Random(seed), list[asyncio.Future[object]]()
        for _ in range(60):
            match random.randrange(4):
                case 0:
                    futures.append(room.write(random.randrange(3)))
                case 1:
                    room.hearing.know(room.commit(random.randrange(3)).after)
                case 2:
                    room.read()
                case _:
                    await asyncio.sleep(0)
        while room.hearing.behind:
            room.read()
        await asyncio.gather(*futures)
        await asyncio.sleep(0)
        assert room.heard == [str(number) for number in range(1, len(room.rows) + 1)]
