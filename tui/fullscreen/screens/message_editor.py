"""A dialog to edit a message that was sent."""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.prompt import Prompt

HINT = "Everyone sees that it was edited; reports include every version."


class EditedText(Prompt):
    """The text of the message."""

    WHERE = Where.EDITOR
    BINDINGS = bindings(WHERE)

    class Saved(Message):
        """The user saves the text."""

    class Discarded(Message):
        """The user leaves the message unchanged."""

    def action_save(self) -> None:
        self.post_message(self.Saved())

    def action_cancel(self) -> None:
        self.post_message(self.Discarded())


class MessageEditor(ModalScreen[str | None]):
    """Returns the new text, or None if it is unchanged."""

    def __init__(self, text: str, longest: int) -> None:
        super().__init__()
        self._before = text
        self._longest = longest

    def compose(self) -> ComposeResult:
        with Vertical(id="editor"):
            yield Static("Edit your message", id="editor-title", markup=False)
            yield EditedText(id="editor-text")
            yield Static(HINT, id="editor-problem", markup=False)
        yield KeyFooter()

    @on(events.Mount)
    def _fill_in(self) -> None:
        """Fill in the current text, with the cursor at its end."""
        field = self.query_one(EditedText)
        field.text = self._before
        field.move_cursor(field.document.end)
        self.set_focus(field)

    @on(EditedText.Saved)
    def _save(self) -> None:
        text = self.query_one(EditedText).text.rstrip()
        if not text.strip():
            self._complain("The message is empty. Write something, or cancel and delete it.")
        elif len(text) > self._longest:
            self._complain(f"The message has {len(text)} characters; the limit is {self._longest}. Shorten it.")
        else:
            self.dismiss(text if text != self._before else None)

    @on(EditedText.Discarded)
    def _cancel(self) -> None:
        self.dismiss(None)

    def _complain(self, problem: str) -> None:
        self.query_one("#editor-problem", Static).set_class(True, "failed").update(problem)  # noqa: FBT003 - Textual's
