"""The top line: room, place, and whether one is connected."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static


class TopLine(Horizontal):
    """Title at the left, place in the middle, connection at the right."""

    def compose(self) -> ComposeResult:
        """Three texts that are never parsed."""
        yield Static(id="top-title", markup=False)
        yield Static(id="top-place", markup=False)
        yield Static(id="top-connection", markup=False)

    def show(self, title: str, place: str, connection: str, *, online: bool, typing: bool = False) -> None:
        """Show where one is."""
        self.query_one("#top-title", Static).update(Content.assemble(("⚑ ", "bold $error"), title))
        self.query_one("#top-place", Static).update(
            Content.assemble(place, (" is writing…", "dim")) if typing else Content(place)
        )
        widget = self.query_one("#top-connection", Static)
        widget.update(Content(("● " if online else "○ ") + connection))
        widget.set_class(not online, "offline")
