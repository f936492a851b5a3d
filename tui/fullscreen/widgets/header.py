"""The top line: room, place and connection."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui.fullscreen.widgets.show_text import show_text

TITLE = "Flagpost"
"""Shown until the room's title is known."""

STARTING = "starting"
"""Shown until the client has a state of the connection."""
UNENCRYPTED = "  not encrypted"


class TopLine(Horizontal):
    """Shows the title on the left, the place in the middle and the connection on the right."""

    def compose(self) -> ComposeResult:
        yield Static(_title(TITLE), id="top-title", markup=False)
        yield Static(id="top-place", markup=False)
        yield Static(_said(STARTING, online=False), id="top-connection", classes="offline", markup=False)

    def show_room(
        self,
        title: str,
        place: str,
        connection: str,
        *,
        online: bool,
        quiet: str = "",
        typing: bool = False,
        exposed: bool = False,
    ) -> None:
        """Update the three parts.

        `quiet`: the name of the user while Do not disturb is on; `typing`: the other person of a conversation is
        typing; `exposed`: the connection can be read on the network.
        """
        show_text(self.query_one("#top-title", Static), _title(title))
        writing, warning = " is typing…" if typing else "", UNENCRYPTED if exposed else ""
        shown = Content.assemble(place, (writing, "dim"), (warning, "bold $warning"))
        show_text(self.query_one("#top-place", Static), shown)
        widget = self.query_one("#top-connection", Static)
        dnd = bool(quiet) and online
        show_text(widget, Content(f"◐ do not disturb · {quiet}") if dnd else _said(connection, online=online))
        widget.set_class(dnd or not online, "offline")


def _title(title: str) -> Content:
    return Content.assemble(("⚑ ", "bold $error"), title)


def _said(connection: str, *, online: bool) -> Content:
    return Content(("● " if online else "○ ") + connection)
