"""Keeps the client at its server: finds it, logs in, takes frames into the state, sends, and says goodbye."""

import gc
import sys
from abc import abstractmethod
from contextlib import suppress

from textual import work
from textual.app import App
from textual.driver import Driver
from textual.timer import Timer
from textual.worker import Worker, WorkerCancelled, WorkerFailed, WorkerState

from server.protocol import name_text
from server.protocol.frames import Echo, Frame, ServerFrame, Typing
from tui.client.client import OFFLINE, Client, Granted, Loss, NoServerError
from tui.client.state import TYPING_SHOWN
from tui.fullscreen.shutdown import Ending
from tui.options import Options
from tui.text import clean_line
from tui.tone import Tone


class ConnectedApp(App[None]):
    """An app with a State that follows a server; a subclass draws it in `show`."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.client = Client(
            options,
            on_change=self._changed,
            on_frame=self._received,
            on_login=self._logged_in,
            on_lost=self._lost,
            on_name_refused=self._ask_name,
        )
        self.state = self.client.state
        self._life: Worker[None] | None = None
        self._ending = Ending(self.leave)
        self._typing_timer: Timer | None = None

    @property
    def online(self) -> bool:
        """Whether the server can be asked now."""
        return self.client.online

    @abstractmethod
    async def settle(self) -> None:
        """Make sure of name and server, before the first connection."""

    @abstractmethod
    def show(self) -> None:
        """Draw what is known now."""

    def on_load(self) -> None:
        """The terminal is not touched yet: whatever ends the client from here on gives it back."""
        self._ending.watch()

    async def on_ready(self) -> None:
        """Draw first: what the connection needs is imported after the first frame."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        if not self.is_headless:
            self._ending.guard()
        self.show()
        # The room has its places first: what lies over it would be drawn over nothing.
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._life = self._live()

    @work(group="connection", exit_on_error=False)
    async def _live(self) -> None:
        """Find the server and stay connected to it."""
        await self.settle()
        try:
            await self.client.find()
        except NoServerError as error:
            self.tell(f"There is no server: {error}", Tone.BAD)
            return
        await self.client.run()

    def _changed(self) -> None:
        """Something came, or the connection is another one."""
        self.show()

    def _received(self, frame: ServerFrame) -> None:
        """Follow a frame that the client has taken in."""
        if isinstance(frame, Echo):
            # What was said before stands there now: above it nobody would see this.
            for line in self.client.notices:
                self.state.note(line)
            self.client.notices = []
        elif isinstance(frame, Typing):
            if self._typing_timer:
                # The latest alone is shown; a timer for each would be one for each frame of a server that never stops.
                self._typing_timer.stop()
            self._typing_timer = self.set_timer(TYPING_SHOWN.total_seconds(), self.show)

    def _logged_in(self, login: Granted) -> None:
        if login.name.casefold() != login.wanted.casefold():
            wanted, granted = map(name_text.quoted, (login.wanted, login.name))
            self.state.note(f"The name {wanted} is not free; here you are {granted}.")
        if login.again:
            self.state.note("Connected again.", Tone.GOOD)
        for line in login.news:
            self.state.note(*line)

    async def _ask_name(self, why: str) -> str:
        """Let another name be chosen."""
        from tui.fullscreen.screens.name import NamePrompt

        longest = self.state.welcome.limits.name_chars if self.state.welcome else 0
        return await self.push_screen_wait(NamePrompt(why, self.client.name, longest))

    def _lost(self, loss: Loss) -> None:
        if loss.retry_seconds is None:
            self.state.note(f"Disconnected: {loss.why}. It is not tried again: start the client anew.", Tone.BAD)
        elif loss.first:
            then = " Your report is sent then." if self.state.reports.unanswered else ""
            tried = f"It is tried again until it works.{then}"
            self.state.note(f"No connection to {self.client.address}: {loss.why}. {tried}", Tone.BAD)

    def send(self, frame: Frame) -> None:
        """Send a frame, if there is a connection."""
        self.client.send(frame)

    def tell(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Show a notice where the person looks."""
        self.state.note(text, tone)
        self.show()

    def can_ask(self) -> bool:
        """Whether the server can be asked now; if not, say so."""
        if not self.online:
            self.tell(OFFLINE, Tone.BAD)
        return self.online

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed must not fail in silence."""
        if event.state is WorkerState.ERROR:
            self.client.status, self.client.online = "stopped", False
            self.tell(f"This client met a fault of its own: {clean_line(repr(event.worker.error))}", Tone.BAD)

    async def action_quit(self) -> None:
        """Leave."""
        await self.leave()

    async def leave(self) -> None:
        """Say goodbye to the server, end one's own, end."""
        if self._life:
            self._life.cancel()
            # Waited for, so that the closing handshake is done before the loop ends.
            with suppress(WorkerCancelled, WorkerFailed):
                await self._life.wait()
        await self.client.close()
        self.exit()

    def get_driver_class(self) -> type[Driver]:
        """Textual's, where it can be seen what is typed while the loop does not run."""
        chosen = super().get_driver_class()
        if sys.platform == "win32":
            return chosen
        from tui.fullscreen.driver import watched

        return watched(chosen)

    def run_to_the_end(self) -> None:
        """Run the client until it has ended and given the terminal back."""
        try:
            self.run()
        finally:
            self._ending.close()

    def quit_typed(self) -> None:
        """The quit key was pressed; called in the thread that reads the terminal."""
        self._ending.quit_typed()

    def on_unmount(self) -> None:
        """Let another client be this person."""
        self.client.release()
