"""A screen over the room that shows the state as it is now."""

from abc import abstractmethod

from textual.screen import Screen


class LiveScreen(Screen[None]):
    """Is drawn again whenever something has changed."""

    @abstractmethod
    def show(self) -> None:
        """Draw what is known now."""
