"""Notifications, toasts and notices about what has arrived from the server since the last redraw."""

from collections.abc import Callable, Sequence

from textual.app import App
from textual.timer import Timer

from server.protocol import name_text
from server.protocol.frames import Echo, ServerFrame, Typing
from tui.client.client import Client
from tui.client.news import NewMessage, news
from tui.client.state import TYPING_SHOWN
from tui.fullscreen.joining import first_steps
from tui.fullscreen.notices import Notices
from tui.fullscreen.room.screen import RoomScreen
from tui.text import clean_line
from tui.tone import Tone

MAX_TOAST_CHARS = 120
MAX_TOASTS = 5
"""Maximum number of toasts shown at once."""


class Arrivals:
    """Collects frames, and notifies the user about them once they are drawn."""

    def __init__(
        self, app: App[None], client: Client, room: RoomScreen, notices: Notices, redraw: Callable[[], None]
    ) -> None:
        self._app, self._client, self._room, self._notices = app, client, room, notices
        self._redraw = redraw
        self._frames: list[ServerFrame] = []
        """The frames received since the last redraw."""
        self._last_seen = 0
        """The number of the latest message at the last redraw."""
        self._typing_timer: Timer | None = None

    def received(self, frame: ServerFrame) -> None:
        """Collect a frame that the state has folded."""
        self._frames.append(frame)
        if isinstance(frame, Echo):
            self._show_notices_of_start()
        elif isinstance(frame, Typing):
            if self._typing_timer:
                # Only the latest counts; one timer per frame would let a server create any number of them.
                self._typing_timer.stop()
            self._typing_timer = self._app.set_timer(TYPING_SHOWN.total_seconds(), self._redraw)

    def _show_notices_of_start(self) -> None:
        """Show notices about the server; before the history, they would be scrolled out of view above it."""
        state, client = self._client.state, self._client
        for line in client.notices:
            state.note(line)
        if client.notices and client.is_alone:
            state.note(first_steps())
        client.notices = []

    def announce(self) -> None:
        """Notify the user of what was received, after a redraw."""
        state = self._client.state
        if self._frames:
            items = list(news(self._frames, state, self._last_seen))
            self._notices.notify(items, dnd=state.dnd)
            self._show_personal(items)
            self._frames, self._last_seen = [], state.last_seen
        self._show_remarks()

    def _show_personal(self, items: Sequence[NewMessage]) -> None:
        """Show direct messages and mentions as a toast while another screen covers the room and its unread counts."""
        personal = [each for each in items if each.personal and not self._notices.is_muted(each.channel)]
        if personal and self._app.screen is not self._room and not self._client.state.dnd:
            last, more = personal[-1], f" (and {len(personal) - 1} more)" if len(personal) > 1 else ""
            what = "New direct message" if last.direct else f"New mention in {last.place}"
            text = clean_line(last.text)[:MAX_TOAST_CHARS]
            said = name_text.said(last.author, text)
            self._app.notify(said, title=f"{what}{more}", markup=False)

    def _show_remarks(self) -> None:
        """Show news about reports as toasts while the room is in front, unless its timeline shows them."""
        state = self._client.state
        remarks, state.remarks = state.remarks, []
        for remark in remarks[-MAX_TOASTS:]:
            seen = self._room.timeline.follows and remark.channel in {"", state.current}
            if self._app.screen is self._room and not seen:
                bad = remark.tone is Tone.BAD
                self._app.notify(remark.text, severity="error" if bad else "information", markup=False)
