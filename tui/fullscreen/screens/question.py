"""A dialog with a yes/no question."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.footer import KeyFooter


class Question(ModalScreen[bool]):
    """Returns True for yes."""

    BINDINGS = bindings(Where.QUESTION)

    def __init__(self, text: str, yes: str, no: str) -> None:
        super().__init__()
        self._text = text
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Static(self._text, markup=False)
            with Horizontal(id="question-buttons"):
                yield Button(self._yes, id="question-yes", compact=True)
                yield Button(self._no, id="question-no", compact=True)
        yield KeyFooter()

    @on(Button.Pressed, "#question-yes")
    def action_yes(self) -> None:
        self.dismiss(result=True)

    @on(Button.Pressed, "#question-no")
    def action_no(self) -> None:
        self.dismiss(result=False)
