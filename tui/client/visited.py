"""The channels and conversations that one has looked at, one after the other."""

from msgspec import Struct, field

MOST = 100
"""Places that are remembered."""


class Visited(Struct):
    """Goes back and forward as a browser does."""

    _places: list[str] = field(default_factory=list)
    _at: int = -1

    def visit(self, place: str) -> None:
        """One looks here now; nothing changes if one did already."""
        if not place or (self._places and self._places[self._at] == place):
            return
        self._places = [*self._places[: self._at + 1], place][-MOST:]
        self._at = len(self._places) - 1

    def step(self, by: int) -> str:
        """The place that one comes to by going back (-1) or forward (1); empty where that ends."""
        if not 0 <= self._at + by < len(self._places):
            return ""
        self._at += by
        return self._places[self._at]
