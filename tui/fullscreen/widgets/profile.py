"""The profile panel on the right: what the site says about a person."""

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from server.protocol import name_text
from tui.client.state import ProfileView, Stage
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where


class ProfilePanel(VerticalScroll, can_focus=True):
    """Shows one profile: that it is loading, its headline and fields, or the error."""

    WHERE = Where.PROFILE
    BINDINGS = bindings(WHERE)

    class Closed(Message):
        """The user closes the panel."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shown: ProfileView | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="profile-name", markup=False)
        yield Static(id="profile-headline", markup=False)
        yield Static(id="profile-fields", markup=False)
        yield Static(id="profile-state", markup=False)
        yield Button("Close", id="profile-close", compact=True)

    def show(self, view: ProfileView) -> None:
        """Show a profile, as far as it is loaded."""
        if view is self._shown:
            return
        self._shown = view
        self.query_one("#profile-name", Static).update(Content(name_text.shown(view.username)))
        self._fill("#profile-headline", Content(view.headline), shown=bool(view.headline))
        self._fill("#profile-fields", _table(view.fields), shown=bool(view.fields))
        state = _state(view)
        self._fill("#profile-state", Content(state), shown=bool(state))
        self.query_one("#profile-state").set_class(view.stage is Stage.FAILED, "failed")

    def _fill(self, selector: str, content: Content | Table, *, shown: bool) -> None:
        widget = self.query_one(selector, Static)
        widget.update(content)
        widget.display = shown

    def action_close(self) -> None:
        self.post_message(self.Closed())

    @on(Button.Pressed)
    def _close_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_close()


def _state(view: ProfileView) -> str:
    if view.stage is Stage.LOADING:
        return "Asking the site…"
    if view.stage is Stage.FAILED:
        return f"✗ {view.error}"
    return "" if view.fields or view.headline else "The site says nothing about this person."


def _table(fields: tuple[tuple[str, str], ...]) -> Table:
    """Return the fields as a table of two columns. `Text` does not parse markup."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(ratio=2, style="dim", overflow="fold")
    table.add_column(ratio=3, overflow="fold")
    for name, value in fields:
        table.add_row(Text(name), Text(value))
    return table
