"""Notices in the room about the actions of the user."""

from textual.screen import Screen

from tui.client.client import OFFLINE
from tui.client.state import ACT
from tui.fullscreen.room.interface import RoomInterface
from tui.tone import Tone


class Notes:
    """Shows one notice at a time, about the latest action."""

    def __init__(self, screen: Screen[None], room: RoomInterface) -> None:
        self._screen, self._room = screen, room

    def add_notice(self, text: str, tone: Tone) -> None:
        """Add a notice to the current timeline; also show it as a toast if the end is scrolled out of view."""
        # The notice about the next action replaces this one.
        self._room.client.state.note(text, tone, topic=ACT)
        if self._room.complete and not self._room.timeline.follows:
            self._screen.app.notify(text, severity="error" if tone is Tone.BAD else "information", markup=False)
        self._room.redraw()

    def can_ask(self) -> bool:
        """Return whether the client is online; if not, show a notice."""
        if not self._room.client.online:
            self.add_notice(OFFLINE, Tone.BAD)
        return self._room.client.online
