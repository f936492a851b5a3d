"""Background tasks that run until the server shuts down."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger(__name__)


def start(work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    """Run `work` as a background task; a failure is logged."""
    task = asyncio.create_task(work)
    task.add_done_callback(_log_failure)
    return task


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("a background task failed; restart the server", exc_info=error)
