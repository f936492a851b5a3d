"""Keys typed before the screen that they are meant for is there.

1. Keys typed after the one that opens the report form are meant for the form. They are held, and replayed in order
   once the form is ready.
2. Enter pressed in a screen over the room, and again in the room within DOUBLE_SECONDS: the second does nothing. It
   was meant for that screen, which the first one closed. Any key between the two lifts this rule.
"""

from collections.abc import Awaitable, Callable
from time import monotonic

from textual.events import Key

DOUBLE_SECONDS = 0.5


class TypeAhead:
    """Sees each key before the screen does."""

    def __init__(self, press: Callable[[Key], Awaitable[None]], now: Callable[[], float] = monotonic) -> None:
        """`press` passes a key to the active screen."""
        self._press, self._now = press, now
        self._held: list[Key] | None = None
        self._entered_over_room = -DOUBLE_SECONDS
        """When Enter was last pressed in a screen over the room, unless another key followed."""

    def hold(self) -> None:
        """Start holding keys."""
        self._held = []

    async def replay(self) -> None:
        """Press the held keys in order, and stop holding."""
        held, self._held = self._held or [], None
        for key in held:
            await self._press(key)

    def drop(self) -> None:
        """Discard the held keys, and stop holding."""
        self._held = None

    def takes(self, key: Key, *, over_room: bool) -> bool:
        """Return True if a key is held or dropped, not for the screen. `over_room`: a screen is over the room."""
        if self._held is not None:
            self._held.append(key)
            return True
        if key.key != "enter":
            self._entered_over_room = -DOUBLE_SECONDS
        elif over_room:
            self._entered_over_room = self._now()
        else:
            return self._now() < self._entered_over_room + DOUBLE_SECONDS
        return False
