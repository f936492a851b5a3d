"""Connecting to a server and staying connected, with the dialogs and notices about it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace
from textual.app import App
from textual.worker import Worker

from server.protocol import name_text
from server.protocol.errors import OneLineError
from tui.client.client import Client
from tui.client.client_events import Granted, Loss
from tui.client.report_words import sentence
from tui.client.state import CONNECTION
from tui.fullscreen.joining import Joining, retry_hint
from tui.fullscreen.preferences import Preferences
from tui.fullscreen.screens.name import NamePrompt
from tui.fullscreen.screens.start import Filled
from tui.options import Options
from tui.times import clock
from tui.tone import Tone


class ConnectedRoom(Protocol):
    """The part of the room that connecting uses; implemented by `RoomScreen`."""

    def note(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Show a notice in the current timeline."""

    def restore_drafts(self) -> None:
        """Put drafts of an earlier run into the composer."""


class ConnectionControl:
    """Runs the client, and shows the state of its connection in the dialog or in the room."""

    def __init__(
        self,
        app: App[None],
        client: Client,
        room: ConnectedRoom,
        preferences: Preferences,
        restart: Callable[[Options], None],
    ) -> None:
        """`restart` ends the app and starts another one with these options."""
        self._app, self._client, self._room = app, client, room
        self._preferences, self._restart = preferences, restart
        self._joining = Joining(app, client, self._connect)
        self._worker: Worker[None] | None = None
        """The worker that runs the client; None before the first attempt."""
        self._connecting = asyncio.Lock()
        """Held by a worker until its connection is closed, because only one worker at a time can use the client."""
        self._ending = False
        self._lost_at: datetime | None = None
        """When the connection was last lost."""

    async def begin(self) -> None:
        """Ask for name and server if the options say so, and connect."""
        await self._joining.begin()

    def reconnect(self) -> None:
        """Reconnect now, even after the client has given up."""
        if self._worker and self._worker.is_running:
            self._client.hurry()
        else:
            self._connect()

    def ask(self, server: str) -> None:
        """Ask for another server; `server` prefills the field."""
        self._joining.ask(server, self._leave_for)

    async def end(self) -> None:
        """Disconnect, and save what is filled in if the dialog is open."""
        self._joining.save()
        await self._client.finish_sending()
        self._ending = True
        self._cancel()
        # Wait, so that the closing handshake is done before the loop ends.
        async with self._connecting:
            await self._client.close()

    def _connect(self) -> None:
        """Find the server and stay connected, in place of any earlier attempt."""
        # Now, not once the new attempt has begun: the earlier one could still fail before, and be shown as the new one.
        self._cancel()
        if not self._ending:
            self._worker = self._app.run_worker(self._run, group="connection", exit_on_error=False)

    def _cancel(self) -> None:
        if self._worker:
            self._worker.cancel()

    async def _run(self) -> None:
        # Not `Worker.wait`, which takes a cancellation of the waiting worker for the end of the one that it waits for.
        async with self._connecting:
            try:
                await self._client.find()
            except OneLineError as error:
                if self._joining.is_open:
                    self._joining.failed(str(error))
                else:
                    self._room.note(f"{sentence(str(error))} {retry_hint()}", Tone.BAD)
                return
            await self._client.run()

    def _leave_for(self, filled: Filled) -> None:
        """Restart with another server, so that nothing of this one stays in memory."""
        options = replace(
            self._client.options,
            name=filled.name,
            url=filled.server or None,
            demo=False,
            asks=True,
            joins=True,
            sign_in=filled.sign_in,
        )
        self._restart(options)

    # Callbacks of the client.

    def logged_in(self, login: Granted) -> None:
        """Close the dialog, restore drafts, show what is new, and save name and server for the next start."""
        self._joining.succeeded()
        self._room.restore_drafts()
        state = self._client.state
        if login.name.casefold() != login.wanted.casefold():
            wanted, granted = map(name_text.quoted, (login.wanted, login.name))
            state.note(f"{wanted} is taken, so you're {granted} here.")
        if login.again or state.timeline.has_notice(CONNECTION):
            lost = f" The connection was lost at {clock(self._lost_at)}." if login.again and self._lost_at else ""
            state.note(f"Connected again.{lost}", Tone.GOOD, topic=CONNECTION)
        for line in login.news:
            state.note(*line)
        self._remember()

    def _remember(self) -> None:
        options = self._client.options
        # A server named by a settings file is not saved for other starts.
        url = None if options.settings and not options.url else options.url or ""
        if not options.demo and (problem := self._preferences.remember(self._client.wanted_name, url)):
            self._client.state.note(problem, Tone.BAD)

    def lost(self, loss: Loss) -> None:
        """Show why there is no connection, and whether the client reconnects by itself."""
        state, why = self._client.state, f"No connection to {self._client.address}: {loss.why}."
        if self._joining.is_open:
            self._joining.failed(why)
            # The user may want another server; Enter tries this one again.
            self._cancel()
        elif loss.retry_seconds is None:
            state.note(f"Disconnected: {loss.why}. {retry_hint()}", Tone.BAD, topic=CONNECTION)
        elif loss.first:
            then = " Your report will be sent when you are back online." if state.reports.unanswered else ""
            self._lost_at = state.now()
            state.note(f"{why} Reconnecting. {retry_hint()}{then}", Tone.BAD, topic=CONNECTION)

    async def ask_name(self, why: str) -> str:
        """Return the name that the user chooses after the server refused one; `why` is the server's reason.

        While the dialog is open, show the reason there instead, and wait until the next attempt cancels this call.
        """
        if self._joining.is_open:
            self._joining.failed(why, "name")
            never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            return await never
        welcome = self._client.state.welcome
        longest = welcome.limits.name_chars if welcome else 0
        return await self._app.push_screen_wait(NamePrompt(why, self._client.name, longest))

    def broken(self, problem: str) -> None:
        """Show that a worker of the app has failed."""
        self._client.status, self._client.online = "stopped", False
        self._joining.failed(problem)
        self._room.note(problem, Tone.BAD)
