"""Keeps the client at its server: finds it, logs in, takes frames into the state, sends, and says goodbye."""

import gc
import os
import sys
from abc import abstractmethod
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textual import work
from textual.app import App
from textual.driver import Driver
from textual.timer import Timer
from textual.worker import Worker, WorkerCancelled, WorkerFailed, WorkerState

from server.protocol import name_text
from server.protocol.frames import Echo, Frame, Me, Relations, ServerFrame, Typing, Welcome
from tui.client.own_status import again
from tui.client.state import TYPING_SHOWN, State
from tui.fullscreen.shutdown import Ending
from tui.net.session import NOT_SENT, Session
from tui.options import Options
from tui.text import clean_line
from tui.tone import Tone

if TYPE_CHECKING:
    from tui.net.connection import Connection, Event
    from tui.net.identity import KeptKeys
    from tui.net.local_server import LocalServer

OFFLINE = "There is no connection now; try again once it is back."


class ConnectedApp(App[None]):
    """An app with a State that follows a server; a subclass draws it in `show`."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.state = State(now=lambda: datetime.now(UTC))
        self.online = False
        self.status = "starting"
        """The connection in words."""
        self._options = options
        self._session = Session(options.name)
        self._connection: Connection | None = None
        self._server: LocalServer | None = None
        self._identity: KeptKeys | None = None
        self._life: Worker[None] | None = None
        self._ending = Ending(self.leave)
        self._address = ""
        """Which place this is, for the identity that is kept for it."""
        self._shown_address = ""
        self._told_loss = False
        self._to_tell: list[str] = []
        """About the server, once what was said before stands there: above it nobody would see it."""
        self._typing_timer: Timer | None = None
        self._asks_name = False
        """Whether the person is being asked for another name; until that is there, nobody logs in."""

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
        from tui.net.address import shown
        from tui.net.connection import Connection
        from tui.net.discovery import find
        from tui.net.local_server import LocalServerError

        await self.settle()
        try:
            found = await find(self._options)
        except (LocalServerError, ValueError) as error:
            self._set_status("no server")
            self.tell(f"There is no server: {clean_line(str(error))}", Tone.BAD)
            return
        self._server = found.server
        self._to_tell = found.notices
        self._address = clean_line(found.url)
        self._shown_address = shown(self._address)
        self._session.own = found.own
        self._identify()
        self._connection = Connection(found.url, self._session, self._told)
        await self._connection.run()

    @work(group="connection", exit_on_error=False)
    async def _connect_again(self) -> None:
        """Stay connected to the server that was found, after `_disconnect`."""
        if self._connection:
            await self._connection.run()

    async def _disconnect(self) -> None:
        """End the connection and its retries, with the closing handshake."""
        if self._life:
            self._life.cancel()
            with suppress(WorkerCancelled, WorkerFailed):
                await self._life.wait()

    def _identify(self) -> None:
        """Be the same person here as in the starts before."""
        from tui.net.identity import take

        self._session.address = self._address
        if self._options.demo:
            # Each demo has a server of its own, which ends with it.
            return
        if self._identity:
            self._identity.release()
        self._session.keys = self._identity = take(self._address, self._session.name)

    def _told(self, event: "Event") -> None:
        """Take in what the connection tells."""
        from tui.net.connection import Connecting, Lost

        if isinstance(event, Connecting):
            self._set_status("connecting")
        elif isinstance(event, Lost):
            self._lost(event.why, event.retry_seconds)
        else:
            for frame in event.frames:
                self.state.fold(frame)
                self._follow_up(frame)
            if event.left_out:
                self.state.leave_out()
        self.show()

    def _follow_up(self, frame: ServerFrame) -> None:
        """Answer the frames that want an answer."""
        if isinstance(frame, Welcome) and not self.online and not self._asks_name:
            # One that comes later tells of other settings.
            self.send(self._session.login(frame, self.state.since))
        elif isinstance(frame, Me):
            self._entered(frame)
        elif isinstance(frame, Echo):
            for line in self._to_tell:
                self.state.note(line)
            self._to_tell = []
        elif isinstance(frame, Relations) and self.state.relations.returned:
            for ask in self.state.ask_newest(nonce):
                self.send(ask)
        elif isinstance(frame, Typing):
            if self._typing_timer:
                # The latest alone is shown; a timer for each would be one for each frame of a server that never stops.
                self._typing_timer.stop()
            self._typing_timer = self.set_timer(TYPING_SHOWN.total_seconds(), self.show)
        elif self.state.refused_name and not self._asks_name:
            self._asks_name = True
            self._ask_name(self.state.refused_name)

    def _entered(self, frame: Me) -> None:
        """Go on where one was before the connection was lost."""
        if frame.username.casefold() != self._session.name.casefold():
            wanted, granted = map(name_text.quoted, (self._session.name, frame.username))
            self.state.note(f"The name {wanted} is not free; here you are {granted}.")
        told = self._session.entered(frame.username)
        self._set_status(f"online as {name_text.shown(frame.username)}{', new here' if told else ''}", online=True)
        if self._told_loss:
            self._told_loss = False
            self.state.note("Connected again.", Tone.GOOD)
        for line in told:
            self.state.note(*line)
        if told:
            self.state.give_up_unsent(NOT_SENT)
            return
        for unsent in self.state.unsent():
            self.send(unsent)
        if standing := again(self.state.people.get(frame.username), frame):
            self.send(standing)

    @work(group="name", exclusive=True)
    async def _ask_name(self, why: str) -> None:
        """Log in again by another name."""
        from tui.fullscreen.screens.name import NamePrompt

        # The server ends a connection on which nobody logs in, and counts each new one: come back with a name.
        await self._disconnect()
        self._set_status("waiting for a name")
        self.show()
        longest = self.state.welcome.limits.name_chars if self.state.welcome else 0
        self._session.name = await self.push_screen_wait(NamePrompt(why, self._session.name, longest))
        self._asks_name = False
        self._identify()
        self.state.refused_name = ""
        self._life = self._connect_again()

    def _lost(self, why: str, retry_seconds: float | None) -> None:
        self.state.lost()
        if retry_seconds is None:
            self._set_status("disconnected")
            self.state.note(f"Disconnected: {why}. It is not tried again: start the client anew.", Tone.BAD)
            return
        self._set_status(f"offline, again in {max(1, round(retry_seconds))} s")
        if not self._told_loss:
            self._told_loss = True
            then = " Your report is sent then." if self.state.reports.unanswered else ""
            tried = f"It is tried again until it works.{then}"
            self.state.note(f"No connection to {self._shown_address}: {why}. {tried}", Tone.BAD)

    def _set_status(self, status: str, *, online: bool = False) -> None:
        self.status, self.online = status, online

    def send(self, frame: Frame) -> None:
        """Send a frame, if there is a connection."""
        if self._connection:
            self.run_worker(self._connection.send(frame), group="sending", exit_on_error=False)

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
            self._set_status("stopped")
            self.tell(f"This client met a fault of its own: {clean_line(repr(event.worker.error))}", Tone.BAD)

    async def action_quit(self) -> None:
        """Leave."""
        await self.leave()

    async def leave(self) -> None:
        """Say goodbye to the server, end one's own, end."""
        # Waited for, so that the closing handshake is done before the loop ends.
        await self._disconnect()
        if self._server:
            await self._server.stop()
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
        if self._identity:
            self._identity.release()


def nonce() -> str:
    """A number for something that is asked."""
    return os.urandom(8).hex()
