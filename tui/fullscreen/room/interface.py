"""The interfaces between the app, the room's screen and its subjects."""

from typing import Protocol

from tui.client.client import Client
from tui.config import Level
from tui.fullscreen.room.dialogs import Dialogs
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.composer import Composer
from tui.tone import Tone


class RoomHost(Protocol):
    """The part of the app that the room uses."""

    def redraw(self) -> None:
        """Redraw all screens."""

    async def edit_text(self, text: str) -> str:
        """Open a text in the user's editor and return the result. Raises EditorError."""

    def set_level(self, place: str, level: Level | None) -> str | None:
        """Store the notification level of a place (None: the default); return the problem, or None."""

    def connect_elsewhere(self, server: str) -> None:
        """Ask for another server; `server` prefills the field."""


class RoomInterface(Protocol):
    """The part of the room that its subjects use; implemented by `RoomScreen`."""

    @property
    def client(self) -> Client:
        """The client and its state."""

    @property
    def dialogs(self) -> Dialogs:
        """The dialogs that ask the user."""

    @property
    def complete(self) -> bool:
        """True once all widgets are mounted."""

    @property
    def composer(self) -> Composer:
        """The widget in which messages are written."""

    @property
    def timeline(self) -> TimelineView:
        """The widget that shows messages."""

    def redraw(self) -> None:
        """Redraw all screens."""

    def write(self) -> None:
        """Focus the composer."""

    def note(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Show a notice in the current timeline."""

    def can_ask(self) -> bool:
        """Return whether the client is online; if not, show a notice."""

    async def search(self, words: str) -> None:
        """Open the search; with words, start searching at once."""
