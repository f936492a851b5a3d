"""A dialog that asks for another name after the server refused one."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.fullscreen.widgets.field import Field
from tui.fullscreen.widgets.footer import KeyFooter
from tui.text import clean_line


class NamePrompt(ModalScreen[str]):
    """Returns the name to log in with."""

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

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        if name := clean_line(event.value).strip():
            self.dismiss(name)
