"""A dialog that asks for another name after the server refused one."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.field import Field
from tui.fullscreen.widgets.footer import KeyFooter
from tui.text import clean_line


class NamePrompt(ModalScreen[str]):
    """Returns the name to log in with."""

    BINDINGS = bindings(Where.START)

    def __init__(self, why: str, name: str, longest: int) -> None:
        super().__init__()
        self._why = why
        self._wanted = name
        self._longest = longest

    def compose(self) -> ComposeResult:
        with Vertical(id="name"):
            yield Static(self._why, id="name-why", markup=False)
            yield Static("Choose another name:", markup=False)
            yield Field(clean_line(self._wanted)[: self._longest], max_length=self._longest, compact=True)
        yield KeyFooter()

    def action_go_on(self) -> None:
        """Return the name, if there is one."""
        if name := clean_line(self.query_one(Input).value).strip():
            self.dismiss(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the key for cancelling: without a name there is no login."""
        return action != "cancel"
