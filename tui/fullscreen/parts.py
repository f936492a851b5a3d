"""The parts of the app that its first frame does not need: the client, and everything that acts on it.

`FlagpostApp` imports this module, and with it most of the client, once the first frame is drawn.
"""

import os
from collections.abc import Callable

from textual.app import App
from textual.css.query import NoMatches
from textual.widget import MountError

from tui.client import unread
from tui.client.client import Client
from tui.config import Config
from tui.fullscreen.app_screens import AppScreens
from tui.fullscreen.arrivals import Arrivals
from tui.fullscreen.connection_control import ConnectionControl
from tui.fullscreen.editor import edit
from tui.fullscreen.notices import Notices
from tui.fullscreen.preferences import Preferences
from tui.fullscreen.room.interface import RoomHost
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.room.subjects import Subjects
from tui.fullscreen.typeahead import TypeAhead
from tui.options import Options


class Parts:
    """The client, its connection, what arrives on it, and the subjects of the room."""

    def __init__(
        self,
        app: App[None],
        host: RoomHost,
        options: Options,
        *,
        room: RoomScreen,
        preferences: Preferences,
        typeahead: TypeAhead,
        notices: Notices,
        changed: Callable[[], None],
        change: Callable[[Config], str | None],
        restart: Callable[[Options], None],
    ) -> None:
        """`app` and `host` are the same object.

        `changed` draws the state, `change` applies and saves another configuration, `restart` starts another app.
        """
        self._app, self._room, self._notices = app, room, notices
        self.client = Client(
            options,
            on_change=changed,
            on_frame=lambda frame: self.arrivals.received(frame),
            on_login=lambda login: self.connection.logged_in(login),
            on_lost=lambda loss: self.connection.lost(loss),
            on_name_refused=lambda why: self.connection.ask_name(why),
            saves=True,
        )
        self.client.state.words = preferences.config.words
        room.client = self.client
        room.subjects = Subjects(room, room, typeahead, notices, host)
        self.client.state.watched = lambda: room.subjects.reading.watches
        self.connection = ConnectionControl(app, self.client, room, preferences, restart)
        self.arrivals = Arrivals(app, self.client, room, notices, host.redraw)
        self.screens = AppScreens(app, self.client, preferences, room.subjects.commands, change)

    async def mount(self) -> None:
        """Mount the widgets missing in the first frame. The room is complete then, unless the client is ending."""
        try:
            await self._room.subjects.mount()
        except (MountError, NoMatches):
            if self._room.is_attached:
                raise
        # After `exit`, Textual mounts nothing more, and removes widgets.
        self._room.complete = self._room.is_attached and self._app.return_code is None

    async def edit(self, text: str) -> str:
        """Open a text in the user's editor and return the result. Raises EditorError."""
        return await edit(self._app, text, os.environ)

    def mark_read(self) -> None:
        """Send the read marker, and show in the title how many unread messages are addressed to the user."""
        self.client.mark_read()
        self._notices.show_waiting(unread.personal(self.client.state.timelines.values(), self._notices.is_muted))
