"""The history of channels and conversations that the user has opened."""

from msgspec import Struct, field

MOST = 100
"""Number of channels that are remembered."""


class Visited(Struct):
    """The opened channels and the current position among them, for Back and Forward as in a browser."""

    _places: list[str] = field(default_factory=list)
    _at: int = -1

    def visit(self, place: str) -> None:
        """Record the open channel; repeating the current one changes nothing."""
        if not place or (self._places and self._places[self._at] == place):
            return
        self._places = [*self._places[: self._at + 1], place][-MOST:]
        self._at = len(self._places) - 1

    @property
    def current(self) -> str | None:
        """Return the open place, or None."""
        return self._places[self._at] if self._places else None

    def forget(self, place: str) -> None:
        """Remove a place that was closed."""
        before = [each for each in self._places[: self._at + 1] if each != place]
        self._places = [*before, *(each for each in self._places[self._at + 1 :] if each != place)]
        self._at = len(before) - 1 if before else len(self._places) - 1

    def step(self, by: int) -> str | None:
        """Return the channel one step back (-1) or forward (1), or None."""
        if not 0 <= self._at + by < len(self._places):
            return None
        self._at += by
        return self._places[self._at]
