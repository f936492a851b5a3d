"""A dialog with a yes/no question. The harmless answer has the focus first, and only deliberate keys answer."""

from collections.abc import Sequence
from time import monotonic

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key, Paste
from textual.screen import ModalScreen
from textual.style import Style
from textual.widgets import Button, Static

from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.footer import KeyFooter


class Question(ModalScreen[bool]):
    """Returns True for yes."""

    WHERE = Where.QUESTION
    BINDINGS = bindings(WHERE)
    AUTO_FOCUS = "#question-no"

    def __init__(self, text: str, yes: str, no: str) -> None:
        super().__init__()
        self.asked_at = monotonic()
        self._text = text
        self._yes = yes
        self._no = no
        self._deferred: list[Key | Paste] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Static(self._text, markup=False)
            yield Static(id="question-typed", markup=False)
            with Horizontal(id="question-buttons"):
                yield Button(self._yes, id="question-yes", compact=True)
                yield Button(self._no, id="question-no", compact=True)
        yield KeyFooter()

    @on(events.Mount)
    def _focus_no(self) -> None:
        """Focus the harmless answer, even while the terminal is not focused."""
        self.query_one("#question-typed").display = False
        self.set_focus(self.query_one("#question-no"))

    def defer(self, event: Key | Paste) -> None:
        """Store a key or paste for the composer, and show that it is not lost."""
        self._deferred.append(event)
        text = "".join(each.text if isinstance(each, Paste) else each.character or "" for each in self._deferred)
        typed = self.query_one("#question-typed", Static)
        typed.display = True
        typed.update(Content.assemble(("For your message: ", Style(dim=True)), " ".join(text.split())))

    def deferred(self, *, send: bool) -> Sequence[Key | Paste]:
        """Return the deferred input; Enter only if it should `send` the message."""
        return [each for each in self._deferred if send or not (isinstance(each, Key) and each.key == "enter")]

    @on(Button.Pressed, "#question-yes")
    def action_yes(self) -> None:
        self.dismiss(result=True)

    @on(Button.Pressed, "#question-no")
    def action_no(self) -> None:
        self.dismiss(result=False)

    def action_other(self) -> None:
        """Move to the other answer."""
        self.focus_next("Button")

    def action_choose(self) -> None:
        """Choose the answer that has the focus."""
        if isinstance(self.focused, Button):
            self.focused.press()
