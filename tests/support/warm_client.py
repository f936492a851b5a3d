"""A client that has run before its forks begin, so that they find its style rules parsed: a fifth of their start."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import pytest

from tests.support import style_rules
from tests.support.pilots import client


def prepare_forks() -> None:
    """Run a client without a terminal."""
    style_rules.share(pytest.MonkeyPatch())
    with TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        for name in ("DATA", "CONFIG", "STATE"):
            patch.setenv(f"XDG_{name}_HOME", home)
        with _signals_kept():
            asyncio.run(_run())


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Restore the handlers of signals, and stop the alarm of a client that takes too long to end."""
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


async def _run() -> None:
    async with client():
        pass
