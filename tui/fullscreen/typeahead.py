"""What is typed ahead of what it is meant for.

1. Keys behind the one that opens the report form are for the form: they are held until it can take them, in their
   order.
2. A second Enter shortly after one that was pressed in a screen over the room does nothing: it was meant for that
   screen, which the first one may have closed. Any key between the two ends that.
"""

from collections.abc import Awaitable, Callable
from time import monotonic

from textual.events import Key

DOUBLE_SECONDS = 0.5


class TypeAhead:
    """Sees each key before the screen does."""

    def __init__(self, press: Callable[[Key], Awaitable[None]], now: Callable[[], float] = monotonic) -> None:
        """`press` gives a key to the screen."""
        self._press, self._now = press, now
        self._held: list[Key] | None = None
        self._entered_over_room = -DOUBLE_SECONDS
        """When Enter was pressed in a screen over the room, and no other key since."""

    def hold(self) -> None:
        """Hold keys from here on."""
        self._held = []

    async def replay(self) -> None:
        """Press the keys that were held, and hold no more."""
        held, self._held = self._held or [], None
        for key in held:
            await self._press(key)

    def drop(self) -> None:
        """Forget the keys that were held, and hold no more."""
        self._held = None

    def takes(self, key: Key, *, over_room: bool) -> bool:
        """Return whether a key is held or dropped; `over_room`: whether a screen is over the room."""
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
