"""Background work goes on after a failure."""

import asyncio
from contextlib import suppress

import pytest

from server.ops import background
from server.storage.base import StorageError


async def test_work_is_repeated_after_failures_which_are_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    outcomes: list[Exception | None] = [
        None,
        StorageError("no answer"),
        StorageError("no answer"),
        ValueError("a defect"),
        None,
        StorageError("no answer"),
        None,
    ]
    ended = asyncio.Event()

    async def work() -> None:
        if not outcomes:
            ended.set()
        elif failure := outcomes.pop(0):
            raise failure

    task = background.start(background.repeat(work, 0))
    async with asyncio.timeout(30):
        await ended.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    logged = [(record.__dict__["error"], bool(record.exc_info)) for record in caplog.records]
    outage = ("Database: no answer", False)
    assert logged == [outage, ("a defect", True), outage]
