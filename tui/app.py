"""Wires state, connection and screens."""

import secrets
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import App
from textual.theme import Theme
from textual.widgets import OptionList
from textual.worker import Worker, WorkerCancelled, WorkerFailed, WorkerState

from server.protocol.frames import Frame, Me, ServerFrame, Welcome
from tui.core.session import Session
from tui.core.state import State
from tui.core.timeline import Line, Tone
from tui.options import Options
from tui.screens.chat import ChatScreen
from tui.screens.name import NamePrompt
from tui.screens.question import Question
from tui.screens.report import ReportForm
from tui.text import clean_line
from tui.widgets.channels import ChannelList
from tui.widgets.people import PeopleList
from tui.widgets.profile import ProfilePanel
from tui.widgets.prompt import Composer
from tui.widgets.timeline import TimelineView

if TYPE_CHECKING:
    from tui.net.connection import Connection, Event
    from tui.net.local_server import LocalServer

THEME = Theme(
    name="flagpost",
    primary="#7aa2f7",
    secondary="#7dcfff",
    accent="#7aa2f7",
    foreground="#d5daf0",
    background="#11131a",
    surface="#161924",
    panel="#1e2231",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    dark=True,
)
GONE = "That message is gone from the server meanwhile; nothing was reported."
OFFLINE = "There is no connection now; try again once it is back."


class FlagpostApp(App[None]):
    """The chat client: frames go into the state, the state onto the screen, intents out as frames."""

    TITLE = "Flagpost"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual declares it so

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.state = State(now=lambda: datetime.now(UTC))
        self._options = options
        self._session = Session(options.name)
        self._chat = ChatScreen()
        self._connection: Connection | None = None
        self._server: LocalServer | None = None
        self._life: Worker[None] | None = None
        self._status = "starting"
        self.online = False
        self._address = ""
        self._told_loss = False

    def get_default_screen(self) -> ChatScreen:
        """The room."""
        return self._chat

    def on_mount(self) -> None:
        """Dress."""
        self.register_theme(THEME)
        self.theme = THEME.name

    def on_ready(self) -> None:
        """Draw first: what the connection needs is imported after the first frame."""
        self._show()
        self._life = self._live()

    @work(group="connection", exit_on_error=False)
    async def _live(self) -> None:
        """Find the server and stay connected to it."""
        from tui.net.connection import Connection
        from tui.net.finder import find
        from tui.net.local_server import LocalServerError

        try:
            found = await find(self._options)
        except (LocalServerError, ValueError) as error:
            self._set_status("no server")
            self.state.note(f"There is no server: {clean_line(str(error))}", Tone.BAD)
            self._show()
            return
        self._server = found.server
        for line in found.notices:
            self.state.note(line)
        self._address = clean_line(found.url)
        self._connection = Connection(found.url, self._session, self._told)
        await self._connection.run()

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
        self._show()

    def _follow_up(self, frame: ServerFrame) -> None:
        """Answer the frames that want an answer."""
        if isinstance(frame, Welcome) and not isinstance(self.screen, NamePrompt):
            self._send(self._session.login(self.state.since))
        elif isinstance(frame, Me):
            self._session.entered(frame.username)
            self._set_status(f"online as {frame.username}", online=True)
            if self._told_loss:
                self._told_loss = False
                self.state.note("Connected again.", Tone.GOOD)
            for unsent in self.state.unsent():
                self._send(unsent)
        elif self.state.refused_name and not isinstance(self.screen, NamePrompt):
            self._ask_name(self.state.refused_name)

    def _lost(self, why: str, retry_seconds: float | None) -> None:
        self.state.lost()
        if retry_seconds is None:
            self._set_status("disconnected")
            self.state.note(f"Disconnected: {why}.", Tone.BAD)
            return
        self._set_status(f"offline, again in {max(1, round(retry_seconds))} s")
        if not self._told_loss:
            self._told_loss = True
            self.state.note(f"No connection to {self._address}: {why}. It is tried again until it works.", Tone.BAD)

    def _set_status(self, status: str, *, online: bool = False) -> None:
        self._status, self.online = status, online

    def _show(self) -> None:
        self._chat.show(self.state, self._status, online=self.online)

    def _send(self, frame: Frame) -> None:
        if self._connection:
            self.run_worker(self._connection.send(frame), group="sending", exit_on_error=False)

    def _can_ask(self) -> bool:
        """Whether the server can be asked now; if not, say so."""
        if not self.online:
            self.state.note(OFFLINE, Tone.BAD)
            self._show()
        return self.online

    @on(Composer.Submitted)
    def _say(self, event: Composer.Submitted) -> None:
        welcome = self.state.welcome
        if welcome is None:
            return
        if len(event.text) > welcome.limits.message_chars:
            excess = f"The message has {len(event.text)} of at most {welcome.limits.message_chars} characters."
            self.state.note(f"{excess} Shorten it, or send it in parts.", Tone.BAD)
        else:
            said = self.state.say(event.text, _nonce())
            self._chat.composer.clear()
            if self.online:
                self._send(said)
        self._show()

    @on(TimelineView.Left)
    @on(ChannelList.Left)
    @on(PeopleList.Left)
    def _write(self) -> None:
        self._chat.write()

    @on(TimelineView.OlderWanted)
    def _load_older(self) -> None:
        ask = self.state.ask_older(_nonce()) if self.online else None
        if ask:
            self._send(ask)

    @on(OptionList.OptionSelected, "#channels")
    def _channel_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id:
            self._look_at(event.option_id)

    @on(OptionList.OptionSelected, "#people")
    def _person_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id and event.option_id != self.state.me:
            self._look_at(f"@{event.option_id}")

    @on(TimelineView.DirectWanted)
    def _direct_wanted(self, event: TimelineView.DirectWanted) -> None:
        self._look_at(f"@{event.username}")

    def _look_at(self, channel: str) -> None:
        self.state.look_at(channel)
        self._show()
        self._chat.write()

    def action_turn(self, by: int) -> None:
        """Turn to the channel so many places further in the list."""
        ids = list(self.state.timelines)
        if self.state.current in ids:
            self._look_at(ids[(ids.index(self.state.current) + by) % len(ids)])

    def action_turn_to_unread(self) -> None:
        """Turn to the next channel that has something unread."""
        ids = list(self.state.timelines)
        at = ids.index(self.state.current) if self.state.current in ids else 0
        unread = [each for each in ids[at:] + ids[:at] if self.state.timelines[each].unread]
        if unread:
            self._look_at(unread[0])

    def action_people(self) -> None:
        """Turn to the list of people."""
        self._close_profile()
        self._chat.show_people()

    @on(TimelineView.ProfileWanted)
    @on(PeopleList.ProfileWanted)
    def _profile_wanted(self, event: TimelineView.ProfileWanted | PeopleList.ProfileWanted) -> None:
        if self._can_ask():
            self._send(self.state.ask_profile(event.username, _nonce()))
            self._show()
            self._chat.show_profile()

    @on(ProfilePanel.Closed)
    def _close_profile(self) -> None:
        self.state.profile = None
        self._show()
        self._chat.leave_profile()

    @on(TimelineView.ReportWanted)
    def _report_wanted(self, event: TimelineView.ReportWanted) -> None:
        if self._can_ask():
            self._report(event.line)

    @work(group="form", exclusive=True)
    async def _report(self, line: Line) -> None:
        """Ask where it was reported before, show the form, send it."""
        welcome = self.state.welcome
        if welcome is None or not welcome.report_reasons:
            return
        again = Question(
            f"You have reported this message of {line.author} already. Report it again?", "Report again", "Cancel"
        )
        if line.reported and not await self.push_screen_wait(again):
            return
        form = ReportForm(
            line,
            self.state.place,
            welcome.report_reasons,
            welcome.limits.comment_chars,
            obstacle=lambda: "" if self.online else OFFLINE,
        )
        filled = await self.push_screen_wait(form)
        if filled and not self.state.timeline.holds(line):
            self.state.note(GONE, Tone.BAD)
            self._show()
        elif filled:
            self._send(self.state.report(line.msg_id, filled.reason, filled.comment, _nonce()))

    @work(group="name", exclusive=True)
    async def _ask_name(self, why: str) -> None:
        """Log in again by another name."""
        longest = self.state.welcome.limits.name_chars if self.state.welcome else 0
        self._session.name = await self.push_screen_wait(NamePrompt(why, self._session.name, longest))
        self.state.refused_name = ""
        self._send(self._session.login(self.state.since))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed must not fail in silence."""
        if event.state is WorkerState.ERROR:
            self._set_status("stopped")
            self.state.note(f"This client met a fault of its own: {clean_line(repr(event.worker.error))}", Tone.BAD)
            self._show()

    async def action_quit(self) -> None:
        """Say goodbye to the server, end one's own, leave."""
        if self._life:
            # Cancelled and waited for, so that the closing handshake is done before the loop ends.
            self._life.cancel()
            with suppress(WorkerCancelled, WorkerFailed):
                await self._life.wait()
        if self._server:
            await self._server.stop()
        self.exit()


def _nonce() -> str:
    return secrets.token_hex(8)
