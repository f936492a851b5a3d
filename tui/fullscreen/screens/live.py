"""A screen over the room that shows the state as it is now."""

from abc import abstractmethod

from textual.screen import Screen

from tui.client.state import State


class Following(Screen[None]):
    """Is shown again whenever something has changed."""

    @abstractmethod
    def show(self, state: State, connection: str, *, online: bool) -> None:
        """Draw what is known now; `connection` is the connection in words."""
