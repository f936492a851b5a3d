"""The full-screen app: connects the client, the room, the preferences and the terminal."""

import gc
import os
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on, work
from textual.app import App
from textual.driver import Driver
from textual.filter import LineFilter
from textual.worker import Worker, WorkerState

from tui.config import Config, Level
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.notices import Notices
from tui.fullscreen.preferences import Preferences
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screen_protocols import LiveScreen
from tui.fullscreen.shutdown import ShutdownSignals
from tui.fullscreen.typeahead import PastedLines, TypeAhead
from tui.options import Options
from tui.text import clean_line, clean_own
from tui.tone import Tone

if TYPE_CHECKING:
    from tui.client.client import Client
    from tui.client.state import ClientState
    from tui.fullscreen.parts import Parts

LATER_CSS = Path(__file__).parent / "styles" / "overlays.tcss"


class FlagpostApp(App[None]):
    """The chat client as a full-screen terminal app."""

    TITLE = "Flagpost"
    CSS_PATH = "styles/room.tcss"
    BINDINGS = bindings(Where.ALWAYS)
    # Textual's own binding would open the palette over forms too; `action_commands` works only in the room.
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-short"), (35, "-tall")]  # noqa: RUF012 - Textual declares it so

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options
        self.preferences = Preferences(self, options.loaded)
        self._problems: list[str] = []
        """The problems of the configuration."""
        self._typeahead = TypeAhead(self, self._deliver)
        self._notices = Notices(self._write_to_terminal, os.environ, self._level)
        self.room = RoomScreen(self.redraw)
        self._signals = ShutdownSignals(self.leave)
        self.next: Options | None = None
        """The options to start again with once this app has ended; None to exit."""

    @cached_property
    def parts(self) -> "Parts":
        """Everything that the first frame does not need. Do not use it before that frame, except to quit."""
        # Imported here and nowhere else: this is most of the client.
        from tui.fullscreen.parts import Parts

        return Parts(
            self,
            self,
            self._options,
            room=self.room,
            preferences=self.preferences,
            typeahead=self._typeahead,
            notices=self._notices,
            changed=self._changed,
            change=self._change,
            restart=self._restart,
        )

    @property
    def client(self) -> "Client":
        return self.parts.client

    @property
    def state(self) -> "ClientState":
        return self.client.state

    # Start and shutdown.

    @on(events.Load)
    def _watch_signals(self) -> None:
        """Watch for shutdown signals before the terminal is changed, so that every exit restores it."""
        self._signals.watch(limited=not self.is_headless)

    def get_driver_class(self) -> type[Driver]:
        """Return Textual's driver, extended to see the quit key while the event loop is blocked."""
        chosen = super().get_driver_class()
        if sys.platform == "win32":
            return chosen
        from tui.fullscreen.driver import watched

        return watched(chosen)

    def get_default_screen(self) -> RoomScreen:
        return self.room

    @on(events.Mount)
    def _apply_preferences(self) -> None:
        """Apply the preferences before the first frame."""
        self._problems = self.preferences.install()

    @on(events.Resize)
    def _resize_screens_below(self, event: events.Resize) -> None:
        """Pass the new size to the screens under a dialog; Textual restyles only the topmost one."""
        for screen in self.screen_stack[:-1]:
            screen.post_message(events.Resize(event.size, event.virtual_size))

    @on(events.Ready)
    async def _continue_after_first_frame(self) -> None:
        """Mount the rest of the room after the first frame, apply the preferences to it, and connect."""
        for problem in self._problems:
            self.state.note(clean_line(problem), Tone.BAD)
        self.stylesheet.read(LATER_CSS)
        self.stylesheet.parse()
        await self.parts.mount()
        if not self.room.complete:
            # The client is ending already.
            return
        self._pass_input_on()
        self.refresh_bindings()
        self.preferences.apply()
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        if not self.is_headless:
            self._signals.guard()
        self.redraw()
        # Lay out the room first: a screen over it would be drawn over nothing.
        self.call_after_refresh(self.parts.connection.begin)

    def _restart(self, options: Options) -> None:
        self.next = options
        self.run_worker(self.leave())

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        """Show a notice if a worker failed."""
        if event.state is WorkerState.ERROR:
            self.parts.connection.broken(f"Internal error: {clean_line(repr(event.worker.error))}. Restart Flagpost.")

    async def leave(self) -> None:
        """Disconnect, stop a local server that this client started, and exit."""
        self._signals.limit()
        await self.parts.connection.end()
        self.exit()

    @on(events.Unmount)
    def _clean_up(self) -> None:
        """Restore the terminal's title, and release the identity for another client."""
        self._notices.end()
        self.client.release()

    def run_to_the_end(self) -> Options | None:
        """Run the app until it has ended and restored the terminal; return how to start again, or None."""
        try:
            self.run()
        finally:
            self._signals.close()
        return self.next

    def quit_typed(self) -> None:
        """Handle the quit key; called in the thread that reads the terminal."""
        self._signals.quit_typed()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters and the one that keeps all text legible."""
        return [*super().get_line_filters(), self.preferences.legible]

    def _changed(self) -> None:
        """Redraw, notify the user, and go to the message that they asked for once it is loaded."""
        self.redraw()
        self.parts.arrivals.announce()
        if self.state.wanted or self.state.wants_new:
            self.room.subjects.navigation.arrive()
            self.redraw()

    # Drawing, and writing to the terminal.

    def redraw(self) -> None:
        """Redraw the room and every live screen over it."""
        if not self.room.complete:
            return
        self.room.draw()
        self.parts.mark_read()
        for screen in self.screen_stack[1:]:
            if isinstance(screen, LiveScreen) and screen.is_mounted:
                screen.draw()

    def _write_to_terminal(self, data: str) -> None:
        # Textual writes its own bell and clipboard sequences the same way.
        if self._driver and not self.is_headless:
            self._driver.write(data)

    async def edit_text(self, text: str) -> str:
        """Open a text in the user's editor and return the result. Raises EditorError."""
        with self._notices.suspended(), self._signals.suspended():
            return await self.parts.edit(text)

    # Input, on any screen.

    async def on_event(self, event: events.Event) -> None:
        """Queue keys, clicks and pastes, so that they take effect in order; handle all other events at once."""
        if isinstance(event, events.InputEvent | events.Paste | PastedLines) and not event.is_forwarded:
            self._typeahead.enqueue(event)
        else:
            await self._deliver(event)

    async def _deliver(self, event: events.Event) -> None:
        """Handle an event as Textual does. Pasted text is cleaned first: it may contain control characters."""
        if isinstance(event, events.Paste) and not event.is_forwarded:
            event.text = clean_own(event.text)
        self._notices.notice(event)
        await super().on_event(event)
        if isinstance(event, events.Key | events.AppFocus | events.MouseDown):
            self._look()

    def _look(self) -> None:
        """Record what the user sees, now that they are looking at the terminal again."""
        if self.room.complete and self.state.timeline.unread:
            self.redraw()

    @work(group="input")
    async def _pass_input_on(self) -> None:
        await self._typeahead.run()

    @on(events.DescendantFocus)
    def _focus_moved(self, event: events.DescendantFocus) -> None:
        self.preferences.set_cursor_blink(event.widget)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow only quitting until the room is complete."""
        return action == "quit" or self.room.complete

    async def action_quit(self) -> None:
        """Quit; ask first if there is unsent text that cannot be saved."""
        if self.client.loses and self.screen is self.room:
            self.room.dialogs.start(self._ask_to_leave)
        else:
            await self.leave()

    async def _ask_to_leave(self) -> None:
        if await self.room.dialogs.ask("Your unsent text cannot be saved and would be lost. Quit anyway?", "Quit"):
            await self.leave()

    def action_reconnect(self) -> None:
        """Reconnect now, even after the client has given up."""
        self.parts.connection.reconnect()

    def action_connect(self) -> None:
        self.connect_elsewhere("")

    def connect_elsewhere(self, server: str) -> None:
        """Ask for another server; `server` prefills the field."""
        self.parts.connection.ask(server)

    def action_help(self) -> None:
        """Open the list of all keys, or close it."""
        self.parts.screens.toggle_help()

    def action_commands(self) -> None:
        """Open the command palette."""
        if self.screen is self.room:
            self.room.dialogs.start(self.room.subjects.commands.pick)

    def action_settings(self) -> None:
        self.parts.screens.open_settings()

    def set_level(self, place: str, level: Level | None) -> str | None:
        """Store the notification level of a place (None: the default); return the problem, or None."""
        return self._change(self.preferences.config.with_level(place, self.client.address, level))

    def _level(self, place: str) -> Level:
        return self.preferences.config.level(place, self.client.address)

    def _change(self, config: Config) -> str | None:
        problem = self.preferences.change(config)
        # Textual applies the theme next, and the colours of names depend on its background.
        self.call_next(self.redraw)
        return problem
