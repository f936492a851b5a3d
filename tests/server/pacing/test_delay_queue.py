"""Requests that wait: in order, and while nothing is read from the client."""

import asyncio
from functools import partial

from server.pacing.delay_queue import DelayQueue
from tests.support.recording_outlet import RecordingOutlet


async def test_requests_of_a_held_queue_run_in_order_once_it_is_released() -> None:
    source, done = RecordingOutlet(), list[str]()
    queue = DelayQueue(source)
    queue.hold()
    queue.schedule(0, partial(done.append, "a"))
    queue.schedule(0, partial(done.append, "b"))
    assert source.paused
    assert done == []
    queue.release()
    queue.schedule(0, partial(done.append, "c"))
    async with asyncio.timeout(10):
        while source.paused:
            await asyncio.sleep(0)
    assert done == ["a", "b", "c"]


async def test_requests_of_a_held_queue_are_dropped_when_their_session_ends() -> None:
    source, done = RecordingOutlet(), list[str]()
    queue = DelayQueue(source)
    queue.hold()
    queue.schedule(0, partial(done.append, "a"))
    queue.stop()
    queue.release()
    assert not source.paused
    queue.schedule(0, partial(done.append, "b"))
    assert done == ["b"]
