"""The room's screen without keys: its widgets, and ways to ask the user."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Protocol

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker

from tui.client.client import OFFLINE, Client
from tui.client.state import ACT
from tui.config import Level
from tui.fullscreen import clipboard
from tui.fullscreen.browser import has_browser
from tui.fullscreen.room.interface import Result
from tui.fullscreen.room.message_actions import MessageActions
from tui.fullscreen.room.navigation import Navigation
from tui.fullscreen.room.people_actions import PeopleActions
from tui.fullscreen.room.reporting import Reporting
from tui.fullscreen.room.writing import Writing
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.typeahead import TypeAhead
from tui.fullscreen.widgets.channels import PlaceLists
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.header import TopLine
from tui.fullscreen.widgets.mute_offer import MuteOffer
from tui.fullscreen.widgets.new_below import NewBelow
from tui.fullscreen.widgets.people_list import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel
from tui.tone import Tone

if TYPE_CHECKING:
    from tui.fullscreen.widgets.rows import ListRow

TINY = 60
"""The width in cells below which the list of channels is hidden."""


class Attention(Protocol):
    """Where the user looks, and what they want to hear of; implemented by the app."""

    @property
    def focused(self) -> bool:
        """True if the user looks at the terminal, as far as is known."""

    @property
    def is_elsewhere(self) -> bool:
        """True if the terminal reported that the user looks elsewhere."""

    def is_muted(self, place: str) -> bool:
        """Return whether the user wants no notices of a channel or conversation."""

    def level(self, place: str) -> str:
        """Return which messages of a channel or conversation cause notices."""


class RoomBase(Screen[None]):
    """Implements `RoomInterface` for the room's subjects."""

    # The user starts by writing.
    AUTO_FOCUS = "#composer"

    def __init__(
        self,
        client: Client,
        typeahead: TypeAhead,
        *,
        redraw: Callable[[], None],
        edit: Callable[[str], Awaitable[str]],
        attention: Attention,
        set_level: Callable[[str, Level | None], str | None],
    ) -> None:
        """`redraw` draws all screens; `edit` opens a text in the user's editor and returns it.

        `set_level` stores the level of notices of a place (None: as everywhere), and returns the problem, or None.
        """
        super().__init__()
        self.client = client
        self.redraw = redraw
        self._typeahead = typeahead
        self._attention = attention
        self._set_level = set_level
        client.state.watched = self._is_watched
        self.navigation = Navigation(self)
        self.writing = Writing(self, edit)
        self.reporting = Reporting(self)
        self.people = PeopleActions(self)
        self.messages = MessageActions(self)
        self.complete = False
        """True once all widgets are mounted."""
        self._before_profile: Widget | None = None
        self._muted = ""
        """Whom the user muted last by a key on a message."""
        self._copied = ""
        """The selected text, once copied: the mouse button is released for other reasons too."""

    def compose(self) -> ComposeResult:
        yield TopLine(self.client.status, id="top")
        with Horizontal(id="middle"):
            yield PlaceLists(id="left")
            with Vertical(id="centre"):
                yield TimelineView(id="timeline")
                yield Composer(placeholder="Write a message", id="composer")
            yield Vertical(id="side")
        yield KeyFooter()

    @on(events.Mount)
    def _focus_composer(self) -> None:
        """Focus the composer; Textual's AUTO_FOCUS does nothing while the terminal is not focused."""
        self.composer.focus()

    @on(events.Resize)
    def _hide_lists(self, event: events.Resize) -> None:
        """Leave a tiny terminal to the messages; places can be found by key."""
        self.set_class(event.size.width < TINY, "-tiny")

    async def mount_deferred(self) -> None:
        """Mount the widgets that are still empty or hidden; they would delay the first frame."""
        offer, profile, below = MuteOffer(id="offer"), ProfilePanel(id="profile"), NewBelow(id="below")
        offer.display = profile.display = below.display = False
        await self.query_one(PlaceLists).mount_lists()
        await self.query_one("#centre").mount(below, offer, before=self.composer)
        await self.query_one("#side").mount(PeopleList(id="people"), profile)
        self.complete = True

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def timeline(self) -> TimelineView:
        return self.query_one(TimelineView)

    def take_text(self) -> None:
        """Focus the composer: what is typed or pasted in a list, or on a message, is a message."""
        self.write()

    def write(self) -> None:
        """Focus the composer."""
        self.remove_class("-people")
        self.composer.focus()

    def note(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Show a notice in the current timeline, and over it if its end is out of view."""
        # What the user does next replaces it.
        self.client.state.note(text, tone, topic=ACT)
        if self.complete and not self.timeline.follows:
            self.app.notify(text, severity="error" if tone is Tone.BAD else "information", markup=False)
        self.redraw()

    def can_ask(self) -> bool:
        """Return whether the client is online; if not, show a notice."""
        if not self.client.online:
            self.note(OFFLINE, Tone.BAD)
        return self.client.online

    def is_muted(self, place: str) -> bool:
        """Return whether the user wants no notices of a channel or conversation."""
        return self._attention.is_muted(place)

    def _is_watched(self) -> bool:
        """Return whether the user sees what arrives in the current place."""
        return self.is_active and self._attention.focused and self.complete and self.timeline.follows

    def start(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run a coroutine that asks the user, in place of any that is still running."""

        async def run() -> None:
            with self._typeahead.working():
                await work()

        _: Worker[None] = self.run_worker(run, group="form", exclusive=True)

    async def ask(self, question: str, yes: str, *, sends: bool = False) -> bool:
        """Ask a yes/no question. Call it only in a coroutine run by `start`.

        What is typed without answering it goes to the composer afterwards; `sends`: Enter too, if the answer is yes.
        """
        from tui.fullscreen.screens.question import Question

        asked = Question(question, yes, "Cancel")
        answer = await self.result_of(asked)
        if typed := asked.deferred(send=sends and answer):
            self.write()
            self._typeahead.replay(typed)
        return answer

    async def choose(self, placeholder: str, offer: "Callable[[str], Sequence[ListRow]]") -> str | None:
        """Return the ID of the row that the user picks, or None. Call it only in a coroutine run by `start`."""
        from tui.fullscreen.screens.picker import Picker

        return await self.result_of(Picker(placeholder, offer))

    async def result_of(self, screen: Screen[Result]) -> Result:
        """Show a screen and return its result. Call it only in a coroutine run by `start`."""
        with self._typeahead.asking(screen):
            return await self.app.push_screen_wait(screen)

    async def open_address(self, url: str) -> None:
        """Open an address in the user's browser, or copy it if there is none."""
        if self.app.is_web:
            self.app.open_url(url)
        elif has_browser(os.environ):
            # It can wait for the browser to answer.
            await asyncio.to_thread(self.app.open_url, url)
            self.composer.flash("Opened in your browser.")
        else:
            self.app.copy_to_clipboard(url)
            self.composer.flash("No browser can be opened from here. The address is copied.")

    def copy(self, text: str) -> None:
        """Copy a text."""
        # OSC 52: the terminal's clipboard, also over ssh.
        self.app.copy_to_clipboard(text)
        if clipboard.asks_tmux(os.environ):
            self.run_worker(self._copy_in_tmux(text), group="copy", exclusive=True)
        else:
            self.composer.flash(clipboard.sent(os.environ))

    async def _copy_in_tmux(self, text: str) -> None:
        self.composer.flash(await clipboard.load_tmux(text, os.environ))
