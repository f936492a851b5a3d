"""Pressing keys in pilot tests: what a key causes has happened once nothing is left to do, however long that takes.

Textual's pilot sleeps instead, twice for each key, until the process has used little of the processor.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

import pytest
from textual._context import active_app
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Button

from tui.fullscreen.typeahead import ALONE_SECONDS, NEVER, TypeAhead

ROUNDS = 3
"""Turns of the event loop without anything to do; data on a socket takes one to be seen."""
FRAME_SECONDS = 0.02
"""What is due this soon belongs to what happened: the next frame, or a change that waits for others."""
MOST_SECONDS = 10.0
"""For an app that never rests."""


def replace_sleeps(patch: pytest.MonkeyPatch) -> None:
    """Let the pilots of this process wait in this way, and a letter act as soon as no other key is pressed with it."""
    for module in ("pilot", "app"):
        patch.setattr(f"textual.{module}.wait_for_idle", _until_quiet)
    press = Pilot.press

    async def pressed(pilot: Pilot[object], *keys: str) -> None:
        await press(pilot, *keys)
        if typeahead := _typeahead(pilot.app):
            with _silence(typeahead):
                await _until_quiet()

    patch.setattr(Pilot, "press", pressed)
    # For 0.2 s after a click, a button ignores another.
    patch.setattr(Button, "_start_active_affect", lambda _: None)


async def _until_quiet(_min_sleep: float = 0, most: float = MOST_SECONDS) -> None:
    """Wait until the app has handled what is queued for it, and has drawn what changed."""
    app, end, quiet = active_app.get(), monotonic() + most, 0
    while quiet < ROUNDS and monotonic() < end and not app._exit:
        await asyncio.sleep(0)
        quiet += 1
        if _works():
            quiet = 0
        elif quiet == ROUNDS and (seconds := _due_in()) is not None:
            await asyncio.sleep(seconds)
            quiet = 0


def _works() -> bool:
    """Return whether something else is ready to run in the event loop."""
    ready: Sequence[object] = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    return bool(ready)


def _due_in() -> float | None:
    """Return in how many seconds something is due in the event loop, unless that is later than a frame."""
    loop = asyncio.get_running_loop()
    timers: Sequence[asyncio.TimerHandle] = loop._scheduled  # type: ignore[attr-defined]
    seconds = min((each.when() for each in timers if not each.cancelled()), default=float("inf")) - loop.time()
    return max(seconds, 0) if seconds < FRAME_SECONDS else None


def _typeahead(app: App[object]) -> TypeAhead | None:
    found = getattr(app, "_typeahead", None)
    return found if isinstance(found, TypeAhead) else None


@contextmanager
def _silence(typeahead: TypeAhead) -> Iterator[None]:
    """Let a letter that waits for others act, and a question be answered next: nothing else was pressed with it."""
    typeahead._now = lambda: monotonic() + ALONE_SECONDS
    typeahead._arrived.set()
    yield
    typeahead._now = monotonic
    typeahead._last_text = NEVER
