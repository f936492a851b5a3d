"""The full-screen app: connects the client, the room, the preferences and the terminal."""

import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual import events, on, work
from textual.app import App
from textual.driver import Driver
from textual.filter import LineFilter
from textual.timer import Timer
from textual.worker import Worker, WorkerCancelled, WorkerFailed, WorkerState

from server.protocol import name_text
from server.protocol.errors import OneLineError
from server.protocol.frames import Echo, ServerFrame, Typing
from tui.client import unread
from tui.client.client import Client, Granted, Loss
from tui.client.news import NewMessage, news
from tui.client.state import CONNECTION, TYPING_SHOWN, ClientState
from tui.config import Config, Level
from tui.fullscreen import slash_commands
from tui.fullscreen.joining import Joining, again, first_steps
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.notices import Notices
from tui.fullscreen.preferences import THEME_NAMES, Preferences
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screen_protocols import LiveScreen
from tui.fullscreen.shutdown import ShutdownSignals
from tui.fullscreen.typeahead import PastedLines, TypeAhead
from tui.options import Options
from tui.text import clean_line, clean_own
from tui.times import clock
from tui.tone import Tone

if TYPE_CHECKING:
    from tui.fullscreen.screens.settings import Choice
    from tui.fullscreen.screens.start import Filled

# Screens over the room, and what only they need, are imported where they are shown, so that the first frame is early.
LATER_CSS = Path(__file__).parent / "styles" / "overlays.tcss"
MAX_TOAST_CHARS = 120
MAX_TOASTS = 5
"""Most toasts shown at once."""


class FlagpostApp(App[None]):
    """The chat client as a full-screen terminal app."""

    TITLE = "Flagpost"
    CSS_PATH = "styles/room.tcss"
    BINDINGS = bindings(Where.ALWAYS)
    # Textual's own binding would open it over forms and questions too; `action_commands` works only in the room.
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-short"), (35, "-tall")]  # noqa: RUF012 - Textual declares it so

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.client = Client(
            options,
            on_change=self._changed,
            on_frame=self._received,
            on_login=self._logged_in,
            on_lost=self._lost,
            on_name_refused=self._ask_name,
            saves=True,
        )
        self.preferences = Preferences(self, options.loaded)
        self.client.state.words = self.preferences.config.words
        self._typeahead = TypeAhead(self, self._deliver)
        self._notices = Notices(self._write_to_terminal, os.environ, self._level)
        self.room = RoomScreen(
            self.client,
            self._typeahead,
            redraw=self.show,
            edit=self._edit,
            attention=self._notices,
            set_level=self._set_level,
        )
        self._signals = ShutdownSignals(self.leave)
        self._life: Worker[None] | None = None
        self._joining = Joining(self, self.client, self._connect)
        self.next: Options | None = None
        """The options to start again with once this app has ended; None to exit."""
        self._came: list[ServerFrame] = []
        """The frames received since the last redraw."""
        self._lost_at: datetime | None = None
        """When the connection was last lost."""
        self._last_seen = 0
        """The number of the latest message at the last redraw."""
        self._typing_timer: Timer | None = None

    @property
    def state(self) -> ClientState:
        return self.client.state

    # Start and shutdown.

    @on(events.Load)
    def _watch_signals(self) -> None:
        """Watch for shutdown signals while the terminal is still untouched, so that every exit restores it."""
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
        """Apply the preferences before the first frame; show problems of the configuration as notices."""
        for problem in self.preferences.install():
            self.state.note(clean_line(problem), Tone.BAD)

    @on(events.Resize)
    def _resize_screens_below(self, event: events.Resize) -> None:
        """Pass the new size to the screens under a dialog; Textual restyles only the topmost one."""
        for screen in self.screen_stack[:-1]:
            screen.post_message(events.Resize(event.size, event.virtual_size))

    @on(events.Ready)
    async def _go_on_after_first_frame(self) -> None:
        """Mount the rest of the room after the first frame, apply the preferences to it, and connect."""
        self.stylesheet.read(LATER_CSS)
        self.stylesheet.parse()
        await self.room.mount_deferred()
        self._pass_input_on()
        self.refresh_bindings()
        self.preferences.apply()
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        if not self.is_headless:
            self._signals.guard()
        self.show()
        # Lay out the room first: a screen over it would be drawn over nothing.
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        await self._joining.begin()

    def _connect(self) -> None:
        """Find the server and stay connected, in place of any earlier attempt."""
        self._life = self._live(self._life)

    @work(group="connection", exit_on_error=False)
    async def _live(self, before: Worker[None] | None) -> None:
        await _ended(before)
        try:
            await self.client.find()
        except OneLineError as error:
            if self._joining.is_open:
                self._joining.failed(str(error))
            else:
                self.room.note(f"{error} {again()}", Tone.BAD)
            return
        await self.client.run()

    def _leave_for(self, filled: "Filled") -> None:
        """Leave, and restart with another server, so that nothing of this one stays in memory."""
        options = self.client.options
        self.next = replace(
            options,
            name=filled.name,
            url=filled.server or None,
            demo=False,
            asks=True,
            joins=True,
            sign_in=filled.sign_in,
        )
        self.run_worker(self.leave())

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        """Show a notice if a worker failed."""
        if event.state is WorkerState.ERROR:
            self.client.status, self.client.online = "stopped", False
            problem = f"Internal error: {clean_line(repr(event.worker.error))}"
            self._joining.failed(problem)
            self.room.note(problem, Tone.BAD)

    async def leave(self) -> None:
        """Disconnect, stop a local server that this client started, and exit."""
        self._signals.limit()
        self._joining.save()
        await self.client.finish_sending()
        # Wait, so that the closing handshake is done before the loop ends.
        await _ended(self._life)
        await self.client.close()
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

    # Callbacks of the client.

    def _received(self, frame: ServerFrame) -> None:
        self._came.append(frame)
        if isinstance(frame, Echo):
            # Notices added before the history would be scrolled out of view above it.
            for line in self.client.notices:
                self.state.note(line)
            if self.client.notices and self.client.is_alone:
                self.state.note(first_steps())
            self.client.notices = []
        elif isinstance(frame, Typing):
            if self._typing_timer:
                # Only the latest counts; one timer per frame would let a server create any number of them.
                self._typing_timer.stop()
            self._typing_timer = self.set_timer(TYPING_SHOWN.total_seconds(), self.show)

    def _changed(self) -> None:
        """Redraw, notify the user, and go to the message that they asked for once it is loaded."""
        self.show()
        if self._came:
            items = list(news(self._came, self.state, self._last_seen))
            self._notices.notify(items, dnd=self.state.dnd)
            self._show_personal(items)
            self._came, self._last_seen = [], self.state.last_seen
        self._show_remarks()
        if self.state.wanted or self.state.wants_new:
            self.room.navigation.arrive()
            self.show()

    def _logged_in(self, login: Granted) -> None:
        self._joining.succeeded()
        self.room.composer.restore(self.state.drafts)
        if login.name.casefold() != login.wanted.casefold():
            wanted, granted = map(name_text.quoted, (login.wanted, login.name))
            self.state.note(f"{wanted} is taken, so you're {granted} here.")
        if login.again:
            lost = f" The connection was lost at {clock(self._lost_at)}." if self._lost_at else ""
            self.state.note(f"Connected again.{lost}", Tone.GOOD, topic=CONNECTION)
        for line in login.news:
            self.state.note(*line)
        options = self.client.options
        # A server named by a settings file is not saved for other starts.
        url = None if options.settings and not options.url else options.url or ""
        if not options.demo and (problem := self.preferences.remember(self.client.wanted_name, url)):
            self.state.note(problem, Tone.BAD)

    def _lost(self, loss: Loss) -> None:
        if self._joining.is_open:
            self._joining.failed(f"No connection to {self.client.address}: {loss.why}.")
            if self._life:
                # The user may want another server; Enter tries this one again.
                self._life.cancel()
        elif loss.retry_seconds is None:
            self.state.note(f"Disconnected: {loss.why}. {again()}", Tone.BAD, topic=CONNECTION)
        elif loss.first:
            then = " Your report will be sent when you are back online." if self.state.reports.unanswered else ""
            why = f"No connection to {self.client.address}: {loss.why}."
            self._lost_at = self.state.now()
            self.state.note(f"{why} Reconnecting. {again()}{then}", Tone.BAD, topic=CONNECTION)

    async def _ask_name(self, why: str) -> str:
        if self._joining.is_open:
            self._joining.failed(why, "name")
            # The next attempt ends this one.
            never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            return await never
        from tui.fullscreen.screens.name import NamePrompt

        longest = self.state.welcome.limits.name_chars if self.state.welcome else 0
        return await self.push_screen_wait(NamePrompt(why, self.client.name, longest))

    # Drawing, and writing to the terminal.

    def show(self) -> None:
        """Redraw the room and every live screen over it."""
        self.room.show()
        self._mark_read()
        for screen in self.screen_stack[1:]:
            if isinstance(screen, LiveScreen) and screen.is_mounted:
                screen.show()

    def _show_personal(self, items: Sequence[NewMessage]) -> None:
        """Show direct messages and mentions as a toast while another screen covers the room, which counts them."""
        personal = [each for each in items if each.personal and not self._notices.is_muted(each.channel)]
        if personal and self.screen is not self.room and not self.state.dnd:
            last, more = personal[-1], f" (and {len(personal) - 1} more)" if len(personal) > 1 else ""
            where = "" if last.direct else f" in {last.place}"
            text = clean_line(last.text)[:MAX_TOAST_CHARS]
            self.notify(f"{name_text.said(f'{last.author}', text)}", title=f"New{where}{more}", markup=False)

    def _show_remarks(self) -> None:
        """Show news about reports as toasts, unless the user sees them in the timeline."""
        remarks, self.state.remarks = self.state.remarks, []
        for remark in remarks[-MAX_TOASTS:]:
            seen = self.room.timeline.follows and remark.channel in {"", self.state.current}
            if self.screen is self.room and not seen:
                self.notify(remark.text, severity="error" if remark.tone is Tone.BAD else "information", markup=False)

    def _write_to_terminal(self, data: str) -> None:
        # Textual writes its own bell and clipboard sequences the same way.
        if self._driver and not self.is_headless:
            self._driver.write(data)

    async def _edit(self, text: str) -> str:
        """Open a text in the user's editor and return the result. Raises EditorError."""
        from tui.fullscreen.editor import edit

        with self._notices.suspended(), self._signals.suspended():
            return await edit(self, text, os.environ)

    # Input, on any screen.

    async def on_event(self, event: events.Event) -> None:
        """Queue keys, clicks and pastes, so that they take effect in order; handle all other events at once."""
        if isinstance(event, events.InputEvent | events.Paste | PastedLines) and not event.is_forwarded:
            self._typeahead.take(event)
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
        if self.state.timeline.unread:
            self.show()

    def _mark_read(self) -> None:
        """Send the read marker, and show in the title how many unread messages are addressed to the user."""
        self.client.mark_read()
        self._notices.show_waiting(unread.personal(self.state.timelines.values(), self._notices.is_muted))

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
        """Connect now: on a new connection, or again after the client has given up."""
        if self._life and self._life.is_running:
            self.client.hurry()
        else:
            self._connect()

    def action_connect(self) -> None:
        """Ask for another server."""
        self._joining.ask("", self._leave_for)

    @on(RoomScreen.ServerWanted)
    def _server_wanted(self, event: RoomScreen.ServerWanted) -> None:
        self._joining.ask(event.server, self._leave_for)

    def action_help(self) -> None:
        """Show all keys, or close that screen."""
        from tui.fullscreen.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss()
        else:
            self.push_screen(
                HelpScreen([(each.usage, each.help) for each in slash_commands.allowed(self.room.commands)])
            )

    def action_commands(self) -> None:
        """Open the command palette."""
        if self.screen is self.room:
            self.room.dialogs.start(self.room.commands.pick)

    def action_settings(self) -> None:
        from tui.fullscreen.screens.settings import SettingsScreen

        preferences, file = self.preferences, self.client.options.loaded.file
        self.push_screen(SettingsScreen(preferences.config, file, self._offer, self._change, self.client.name))

    def _offer(self, config: Config) -> "list[Choice]":
        from tui.fullscreen.screens.settings import choices

        return choices(config, THEME_NAMES, self.client.address, self.state.current, self.state.place)

    def _set_level(self, place: str, level: Level | None) -> str | None:
        """Store which messages of a place cause notifications; return the problem, or None."""
        return self._change(self.preferences.config.with_level(place, self.client.address, level))

    def _level(self, place: str) -> Level:
        return self.preferences.config.level(place, self.client.address)

    def _change(self, config: Config) -> str | None:
        problem = self.preferences.change(config)
        # Textual applies the theme next, and the colours of names depend on its background.
        self.call_next(self.show)
        return problem


async def _ended(worker: Worker[None] | None) -> None:
    """Cancel a worker and wait until it has ended."""
    if worker:
        worker.cancel()
        with suppress(WorkerCancelled, WorkerFailed):
            await worker.wait()
