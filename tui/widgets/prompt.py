"""A place to write, where Enter means "done"."""

from dataclasses import dataclass

from textual.message import Message
from textual.widgets import TextArea

from tui.keymap import Where, bindings


class Prompt(TextArea):
    """A text area that grows with its text and posts what it is told to do by keys."""

    def __init__(self, *, placeholder: str = "", id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=placeholder, id=id, compact=True, highlight_cursor_line=False)

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")


class Composer(Prompt):
    """Where messages are written."""

    BINDINGS = bindings(Where.COMPOSER)

    @dataclass
    class Submitted(Message):
        """A message is ready; the composer keeps its text until `clear`."""

        text: str

    def action_send(self) -> None:
        """Post the text, if there is any."""
        if self.text.strip():
            self.post_message(self.Submitted(self.text))

    async def action_up(self) -> None:
        """Up a line, or out of the composer: at once, so that the next key goes to the message already."""
        if self.cursor_at_first_line:
            await self.run_action("screen.read")
        else:
            self.action_cursor_up()
