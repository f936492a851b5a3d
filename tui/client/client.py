"""A chat client without a user interface; full-screen mode, line mode and bots are built on it.

`Client` finds a server (or starts one), logs in and proves its identity, folds the server's frames into `ClientState`,
answers those that need an answer, resends after a reconnect what was not acknowledged, and leaves the room when it
ends. It notifies its owner through callbacks, all of which run in the event loop:

    on_frame(frame)       a frame was folded, and answered if it needs an answer
    on_change()           something changed: time to draw
    on_login(login)       the server accepted the login
    on_lost(loss)         the connection was lost, or an attempt to connect failed
    on_name_refused(why)  awaited, and returns another name; without it, `run` raises NameRefusedError

docs/bots.md has a bot of twenty lines.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from server.protocol import name_text
from server.protocol.errors import OneLineError
from server.protocol.frames import Frame, Me, Pong, Relations, ServerFrame, Welcome
from tui.client.client_events import Granted, Loss, NameRefusedError, NoServerError
from tui.client.fold import fold_frame
from tui.client.loading import ask_everywhere
from tui.client.own_status import again
from tui.client.read_marks import ReadMarks
from tui.client.state import ClientState
from tui.net.client_session import NOT_SENT, ClientSession, Keys
from tui.options import Options
from tui.text import clean_line
from tui.tone import Tone

if TYPE_CHECKING:
    from tui.client.dialects import Dialects
    from tui.client.unsent_saver import UnsentSaver
    from tui.net.discovery import FoundServer
    from tui.net.local_server import LocalServer
    from tui.net.server_connection import Connection, Event

OFFLINE = "You are offline. Try again once you are reconnected."


def _ignore(_: object = None) -> None:
    """Do nothing: the default callback."""


class Client:
    """One user at one server: call `find`, `run` and `close`; the context manager calls `find` and `close`."""

    def __init__(
        self,
        options: Options,
        *,
        on_change: Callable[[], None] = _ignore,
        on_frame: Callable[[ServerFrame], None] = _ignore,
        on_login: Callable[[Granted], None] = _ignore,
        on_lost: Callable[[Loss], None] = _ignore,
        on_name_refused: Callable[[str], Awaitable[str]] | None = None,
        saves: bool = False,
    ) -> None:
        """`saves`: save drafts and unsent messages, and restore them when the same person starts the client again."""
        self.options = options
        """Name and server; `find` uses the options that are set when it is called."""
        self.wanted_name = options.name
        """The name that the user chose; the server may have granted another one."""
        self.state = ClientState(now=lambda: datetime.now(UTC))
        self.online = False
        """True while connected and logged in."""
        self.status = "starting"
        """The state of the connection in a few words."""
        self.notices: list[str] = []
        """Notices to the user about the server that was found."""
        self.address = ""
        """The server that was found, in a form that may be shown."""
        self.exposed = False
        """True if others on the network path can read the connection."""
        self._on_change = on_change
        self._on_frame = on_frame
        self._on_login = on_login
        self._on_lost = on_lost
        self._on_name_refused = on_name_refused
        self._session = ClientSession(options.name)
        self._connection: Connection | None = None
        self._dialects: Dialects | None = None
        self._server: LocalServer | None = None
        self._identity: Keys | None = None
        self._was_lost = False
        self._interrupt: asyncio.Future[str] | None = None
        """Ends the connection: its result is the reason why the name was refused, or an exception."""
        self._marks = ReadMarks(self.state, self.send, lambda: self.online)
        self._sending: set[asyncio.Task[bool]] = set()
        self._saves = saves
        self._unsent: UnsentSaver | None = None

    async def __aenter__(self) -> Self:
        await self.find()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def name(self) -> str:
        """Return the name to log in with: the granted one after the first login."""
        return self._session.name

    async def find(self) -> None:
        """Find the server, or start one. Raises NoServerError if there is none."""
        # Imported late, as elsewhere below: the first frame does not need it.
        from tui.net.discovery import find

        if self._server:
            await self._server.stop()
        try:
            found = await find(self.options)
        except OneLineError as error:
            self.status = "no server"
            raise NoServerError(f"There is no server: {clean_line(str(error))}") from error
        self._server, self.notices = found.server, found.notices
        self._prepare(found)

    def _prepare(self, found: "FoundServer") -> None:
        """Prepare the session and the connection for a server, which may be a different one than before."""
        from tui.client.dialects import Dialects
        from tui.net.server_address import is_exposed, shown
        from tui.net.server_connection import Connection

        url = clean_line(found.url)
        # Before the state is reset: later, it would be saved as empty.
        self._stop_saving()
        if self._session.address not in {"", url}:
            # Nothing of the former server remains.
            self.state.reset()
        self.address, self.exposed = shown(url), is_exposed(url)
        self.wanted_name = self.options.name
        token = self.options.sign_in.token
        self._session = ClientSession(self.wanted_name, address=url, own=found.own, token=token)
        self._identify()
        self._dialects = Dialects(found.url)
        self._connection = Connection(found.url, self._session, self._on_event, self._dialects)

    @property
    def is_alone(self) -> bool:
        """Return whether this client started the server, and nobody else is in the room."""
        return self._server is not None and not self.options.demo and len(self.state.people) <= 1

    async def run(self) -> None:
        """Stay connected, and reconnect after each loss; return when no other attempt to connect is made.

        Cancel it to leave: it completes the closing handshake. Raises NameRefusedError if the server refuses the name
        and there is no `on_name_refused`, and NoServerError if `find` was not called and fails.
        """
        if self._connection is None:
            await self.find()
        try:
            while why := await self._stay_connected():
                if self._on_name_refused is None:
                    raise NameRefusedError(clean_line(why))
                self.status = "waiting for a name"
                self._on_change()
                self._session.name = self.wanted_name = await self._on_name_refused(why)
                self._identify()
                self.state.refused_name = None
        finally:
            self.online = False

    def hurry(self) -> None:
        """End the wait for the next attempt to connect, or replace the connection. Call it only while `run` runs."""
        if self._connection:
            self._connection.hurry()

    def changed(self) -> None:
        """Schedule a save of what is not sent; call it after changes to the state, such as to a draft."""
        if self._unsent:
            self._unsent.changed()

    async def close(self) -> None:
        """Save what is not sent, stop the server that this client started, and release the identity.

        Call it after `run` has ended.
        """
        if self._unsent:
            await self._unsent.close()
        if self._server:
            await self._server.stop()
        self.release()

    def release(self) -> None:
        """Let another client use this identity."""
        if self._identity:
            self._identity.release()

    def send(self, frame: Frame) -> None:
        """Send a frame, or drop it if there is no connection."""
        if self._connection:
            task = asyncio.create_task(self._connection.send(frame))
            self._sending.add(task)
            task.add_done_callback(self._sent)

    def say(self, text: str, channel: str = "") -> None:
        """Send a message to a channel or conversation, or to the current one; if offline, after the next login."""
        self.send_stored(self.state.say(text, nonce(), channel))

    def send_stored(self, frame: Frame) -> None:
        """Send a frame that is stored until the server answers; if offline, it is sent after the next login."""
        self.changed()
        if self.online:
            self.send(frame)

    def mark_read(self) -> None:
        """Send how far the user has read; repeated calls send it at intervals."""
        self._marks.send_due()

    async def finish_sending(self) -> None:
        """Send how far the user has read, and wait until the server has handled it; call it before `close`."""
        await self._marks.finish()

    async def _stay_connected(self) -> str | None:
        """Stay connected until no other attempt is made; return why the server refused the name, or None."""
        if self._connection is None:
            return None
        interrupt: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._interrupt = interrupt
        life = asyncio.create_task(self._connection.run())
        try:
            await asyncio.wait((life, interrupt), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Wait, so that the closing handshake is done. A server closes a connection on which nobody logs in, and
            # counts each new one, so there is no connection while the user is asked for another name.
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
        if interrupt.done():
            return interrupt.result()
        life.result()
        return None

    def _identify(self) -> None:
        """Load the keys of this user from earlier starts."""
        from tui.net.identity import acquire

        if self.options.demo:
            # Each demo has a server of its own, which ends with it.
            return
        self.release()
        self._stop_saving()
        keys = acquire(self._session.address, self._session.name)
        self._session.keys = self._identity = keys
        if self._saves and keys.kept:
            from tui.client.unsent_saver import UnsentSaver

            self._unsent = UnsentSaver(self.state, self._session)

    def _stop_saving(self) -> None:
        if self._unsent:
            self._unsent.stop()
            self._unsent = None

    @property
    def loses(self) -> bool:
        """Return whether something would be lost if the client ended now, because it cannot be saved."""
        from tui.client.unsent import collect

        if self.options.demo or collect(self.state).is_empty:
            return False
        return self._unsent is None or self._unsent.save() is not None

    def _on_event(self, event: "Event") -> None:
        from tui.net.server_connection import Lost, Received

        if isinstance(event, Received):
            if self._dialects:
                self.state.abilities = self._dialects.abilities
            for frame in event.frames:
                fold_frame(frame, self.state)
                self._answer(frame)
                self._on_frame(frame)
            self.changed()
            if event.left_out:
                self.state.leave_out()
        elif isinstance(event, Lost):
            self._lost(event.why, event.retry_seconds)
        else:
            self.status = "connecting"
        self._on_change()

    def _answer(self, frame: ServerFrame) -> None:
        """Send what a frame requires, such as the login after a welcome."""
        refused = self._interrupt is not None and self._interrupt.done()
        if isinstance(frame, Welcome) and not self.online and not refused:
            # A later welcome announces changed settings.
            self.send(self._session.login(frame, self.state.since))
        elif isinstance(frame, Me):
            self._logged_in(frame)
        elif isinstance(frame, Pong) and frame.jwt:
            self._session.renew(frame.jwt)
        elif isinstance(frame, Pong):
            self._marks.on_pong()
        elif isinstance(frame, Relations) and self.state.relations.returned:
            for ask in ask_everywhere(self.state, nonce):
                self.send(ask)
        elif self.state.refused_name and self._interrupt and not refused:
            self._interrupt.set_result(self.state.refused_name)

    def _logged_in(self, frame: Me) -> None:
        """Record an accepted login; restore the user's status, and resend what was not acknowledged."""
        # A member has the name that the site gave them.
        wanted = frame.username if self._session.signs_in else self._session.name
        news = self._session.entered(frame.username)
        was_lost, self._was_lost, self.online = self._was_lost, False, True
        unknown = ", new here" if any(each.tone is Tone.BAD for each in news) else ""
        self.status = f"online as {name_text.shown(frame.username)}{unknown}"
        if news:
            self.state.give_up_unsent(NOT_SENT)
        if self._unsent:
            self._unsent.restore()
        self._on_login(Granted(wanted, frame.username, was_lost, news))
        for unsent in self.state.unsent():
            self.send(unsent)
        if not news and (status := again(self.state.people.get(frame.username), frame)):
            self.send(status)

    def _lost(self, why: str, retry_seconds: float | None) -> None:
        self.state.lost()
        first, self.online = not self._was_lost, False
        if retry_seconds is None:
            self.status = "disconnected"
        else:
            self.status = f"offline, retry in {max(1, round(retry_seconds))} s"
            self._was_lost = True
        self._on_lost(Loss(why, retry_seconds, first))

    def _sent(self, task: asyncio.Task[bool]) -> None:
        self._sending.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault and self._interrupt and not self._interrupt.done():
            self._interrupt.set_exception(fault)


def nonce() -> str:
    """Return a new nonce for a request."""
    return os.urandom(8).hex()
