"""Background tasks that run until the server shuts down."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

from server.protocol.errors import OneLineError

log = logging.getLogger(__name__)


def start(work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    """Run `work` as a background task; a failure is logged."""
    task = asyncio.create_task(work)
    task.add_done_callback(_log_failure)
    return task


async def repeat(work: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Run `work` at an interval, until cancelled. A failure is logged once, however often it recurs."""
    problem = None
    while True:
        try:
            await work()
            problem = None
        except Exception as error:
            if problem != (problem := str(error)):
                unexpected = not isinstance(error, OneLineError)
                log.error("background work failed; it is repeated", extra={"error": problem}, exc_info=unexpected)
        await asyncio.sleep(seconds)


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("a background task failed; restart the server", exc_info=error)
