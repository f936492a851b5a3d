"""The top line: room, place, and whether one is connected."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

TITLE = "Flagpost"
"""What stands there before the room has said its own."""


class TopLine(Horizontal):
    """Title at the left, place in the middle, connection at the right."""

    def __init__(self, connection: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        """`connection` is said of it until `show`."""
        super().__init__(id=id)
        self._connection = connection

    def compose(self) -> ComposeResult:
        """Three texts that are never parsed."""
        yield Static(_title(TITLE), id="top-title", markup=False)
        yield Static(id="top-place", markup=False)
        yield Static(_said(self._connection, online=False), id="top-connection", classes="offline", markup=False)

    def show(self, title: str, place: str, connection: str, *, online: bool, typing: bool = False) -> None:
        """Show where one is."""
        self.query_one("#top-title", Static).update(_title(title))
        self.query_one("#top-place", Static).update(
            Content.assemble(place, (" is writing…", "dim")) if typing else Content(place)
        )
        widget = self.query_one("#top-connection", Static)
        widget.update(_said(connection, online=online))
        widget.set_class(not online, "offline")


def _title(title: str) -> Content:
    return Content.assemble(("⚑ ", "bold $error"), title)


def _said(connection: str, *, online: bool) -> Content:
    return Content(("● " if online else "○ ") + connection)
