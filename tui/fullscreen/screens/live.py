"""Base of the screens over the room that show the current state."""

from abc import abstractmethod

from textual.screen import Screen


class LiveScreen(Screen[None]):
    """A screen that is redrawn whenever the state has changed."""

    @abstractmethod
    def show(self) -> None:
        """Draw the current state."""
