"""Work that goes on by itself until the server ends."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger(__name__)


def start(work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    """Do this apart; that it failed is said in the log."""
    task = asyncio.create_task(work)
    task.add_done_callback(_log_fault)
    return task


def _log_fault(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("a part of the server has stopped; restart it", exc_info=error)
