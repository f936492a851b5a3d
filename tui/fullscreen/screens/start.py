"""The dialog of the first start: name and server, filled in so that pressing Enter is enough."""

from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from server.protocol.frames import MAX_NAME_CHARS
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where, pressed
from tui.fullscreen.widgets.fields import Field
from tui.fullscreen.widgets.footer import KeyFooter
from tui.net.server_address import MAX_URL_CHARS, fault
from tui.text import clean_line

HINT = "Press {join} to join. You can change both later in Settings ({settings})."
LOCAL = "Leave as is to chat on this machine; we start a server if none is running."


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
            yield Static(Content("Your name"))
            yield Field(self._wanted, max_length=MAX_NAME_CHARS, id="start-name", compact=True)
            yield Static(Content("Server"), classes="field-label")
            yield Field(self._local, max_length=MAX_URL_CHARS, id="start-server", compact=True)
            yield Static(Content(LOCAL), classes="field-hint")
            yield Static(id="start-problem", markup=False)
            hint = HINT.format(join=pressed("start.go_on"), settings=pressed("everywhere.settings"))
            yield Static(Content(hint), id="start-hint")
        yield KeyFooter()

    def action_go_on(self) -> None:
        """Return what the user entered, or show the problem."""
        name, server = (
            clean_line(self.query_one(f"#start-{part}", Input).value).strip() for part in ("name", "server")
        )
        local = server in {"", self._local}
        problem = (None if local else fault(server)) if name else "Enter a name others will know you by."
        if problem:
            self.query_one("#start-problem", Static).update(Content(f"✗ {problem}"))
            self.query_one("#start-server" if name else "#start-name").focus()
        else:
            self.dismiss(Start(name, "" if local else server))
