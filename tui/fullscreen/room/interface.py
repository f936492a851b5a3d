"""The interface between the room's screen and its subjects."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from textual.screen import Screen

from tui.client.client import Client
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.composer import Composer
from tui.tone import Tone

if TYPE_CHECKING:
    from tui.fullscreen.widgets.rows import ListRow

Result = TypeVar("Result")


class RoomInterface(Protocol):
    """The client, the widgets, and ways to ask the user; implemented by `RoomScreen`."""

    @property
    def client(self) -> Client:
        """The client and its state."""

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

    async def open_address(self, url: str) -> None:
        """Open an address in the user's browser, or copy it if there is none."""

    def can_ask(self) -> bool:
        """Return whether the client is online; if not, show a notice."""

    def is_muted(self, place: str) -> bool:
        """Return whether the user wants no notices of a channel or conversation."""

    def start(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run a coroutine that asks the user, in place of any that is still running."""

    async def ask(self, question: str, yes: str, *, sends: bool = False) -> bool:
        """Ask a yes/no question. Call it only in a coroutine run by `start`.

        What is typed without answering it goes to the composer afterwards; `sends`: Enter too, if the answer is yes.
        """

    async def choose(self, placeholder: str, offer: "Callable[[str], Sequence[ListRow]]") -> str | None:
        """Return the ID of the row that the user picks, or None. Call it only in a coroutine run by `start`."""

    async def result_of(self, screen: Screen[Result]) -> Result:
        """Show a screen and return its result. Call it only in a coroutine run by `start`."""
