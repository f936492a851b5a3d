"""A place to write, where Enter means "done"."""

from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import TextArea

from tui.keymap import Where, bindings


class Prompt(TextArea):
    """A text area that grows with its text and posts what it is told to do by keys."""

    def __init__(self, *, placeholder: str = "", id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=placeholder, id=id, compact=True, highlight_cursor_line=False)

    async def on_key(self, event: events.Key) -> None:
        """Run what the key is bound to before the text area takes it, and in its turn.

        A priority binding would do so too, but overtake what was typed or pasted before it.
        """
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and not binding.priority and event.key in binding.key.split(","):
                event.prevent_default().stop()
                await self.run_action(binding.action)

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")


class Composer(Prompt):
    """Where messages are written."""

    BINDINGS = bindings(Where.COMPOSER)

    @dataclass
    class Submitted(Message):
        """A message is ready, and has left the composer; `give_back` if it cannot be sent."""

        text: str

    def action_send(self) -> None:
        """Post the text, if there is any."""
        if self.text.strip():
            # At once: what is typed from here on belongs to the next message.
            text, self.text = self.text, ""
            self.post_message(self.Submitted(text))

    def give_back(self, text: str) -> None:
        """Put a message back before what was typed since."""
        self.text = text + self.text
        self.move_cursor(self.document.end)

    async def action_up(self) -> None:
        """Up a line, or out of the composer: at once, so that the next key goes to the message already."""
        if self.cursor_at_first_line:
            await self.run_action("screen.read")
        else:
            self.action_cursor_up()
