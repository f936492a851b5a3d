"""What the subjects of the room are given of it."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from textual.screen import Screen

from tui.client.client import Client
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.composer import Composer
from tui.tone import Tone

if TYPE_CHECKING:
    from tui.fullscreen.widgets.rows import Row

Result = TypeVar("Result")


class Room(Protocol):
    """The client, the widgets, and ways to ask the user; `RoomScreen` is one."""

    @property
    def client(self) -> Client:
        """The connection, with what is known."""

    @property
    def composer(self) -> Composer:
        """Where messages are written."""

    @property
    def timeline(self) -> TimelineView:
        """Where messages are read."""

    def redraw(self) -> None:
        """Draw what is known now, on all screens."""

    def write(self) -> None:
        """Focus the composer."""

    def note(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Show a notice in the current timeline."""

    def can_ask(self) -> bool:
        """Return whether the server can be asked now; if not, show a notice."""

    def start(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run something that asks the user; it replaces what was asked before."""

    async def ask(self, question: str, yes: str) -> bool:
        """Ask a question; only in `start`."""

    async def choose(self, placeholder: str, offer: "Callable[[str], Sequence[Row]]") -> str | None:
        """Let a row be chosen; only in `start`. None if none was."""

    async def result_of(self, screen: Screen[Result]) -> Result:
        """Show a screen until it is dismissed; only in `start`."""
