"""The dialog of the first start: name and server, filled in so that pressing Enter is enough."""

from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from server.protocol.frames import MAX_NAME_CHARS
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.fields import Field
from tui.fullscreen.widgets.footer import KeyFooter
from tui.net.server_address import MAX_URL_CHARS, fault
from tui.text import clean_line

HINT = "Enter goes on. Both can be changed later in the settings, and are not asked for again."
LOCAL = "The server (this machine's own is filled in; where none runs, one is started)"


class Start(NamedTuple):
    """The chosen name and server; "" is the local server."""

    name: str
    server: str


class StartScreen(ModalScreen[Start]):
    """Returns what the user entered."""

    BINDINGS = bindings(Where.START)

    def __init__(self, name: str, local: str) -> None:
        """`local` is the address of the local server, "" if it is not known."""
        super().__init__()
        self._wanted = name
        self._local = local

    def compose(self) -> ComposeResult:
        with Vertical(id="start"):
            yield Static(Content("⚑ Welcome to Flagpost"), id="start-title")
            yield Static(Content("Your name here"))
            yield Field(self._wanted, max_length=MAX_NAME_CHARS, id="start-name", compact=True)
            yield Static(Content(LOCAL), classes="field-label")
            yield Field(self._local, max_length=MAX_URL_CHARS, id="start-server", compact=True)
            yield Static(id="start-problem", markup=False)
            yield Static(Content(HINT), id="start-hint")
        yield KeyFooter()

    def action_go_on(self) -> None:
        """Return what the user entered, or show the problem."""
        name, server = (
            clean_line(self.query_one(f"#start-{part}", Input).value).strip() for part in ("name", "server")
        )
        local = server in {"", self._local}
        problem = (None if local else fault(server)) if name else "Write a name, by which the others know you."
        if problem:
            self.query_one("#start-problem", Static).update(Content(f"✗ {problem}"))
            self.query_one("#start-server" if name else "#start-name").focus()
        else:
            self.dismiss(Start(name, "" if local else server))
