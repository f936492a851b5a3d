"""A question that may be passed over: it stands above the composer, and takes no key from what one is doing."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from server.protocol import name_text


class MuteOffer(Vertical):
    """Asks whether to mute somebody who was reported; not answered, it goes away with the next message or channel."""

    class Accepted(Message):
        """They shall be muted."""

    class Declined(Message):
        """Nothing shall change."""

    def compose(self) -> ComposeResult:
        """The question, and both answers."""
        yield Static(id="offer-text", markup=False)
        with Horizontal(id="offer-buttons"):
            yield Button("Keep reading", id="offer-no", compact=True)
            yield Button("Mute", id="offer-yes", compact=True)

    def show(self, username: str) -> None:
        """Ask about a person; nobody: ask nothing."""
        self.display = bool(username)
        who = name_text.quoted(username)
        words = f"You reported {who}. Hide what {who} says here from now on?"
        self.query_one("#offer-text", Static).update(Content(words))

    @on(Button.Pressed, "#offer-yes")
    def _accept(self) -> None:
        self.post_message(self.Accepted())

    @on(Button.Pressed, "#offer-no")
    def _decline(self) -> None:
        self.post_message(self.Declined())
