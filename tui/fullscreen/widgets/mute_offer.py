"""The offer to mute, shown above the composer. It can be ignored, because its keys type no text."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from server.protocol import name_text
from tui.fullscreen.keys.keymap import pressed
from tui.fullscreen.widgets.show_text import show_text
from tui.fullscreen.widgets.widget_messages import OfferAnswered


class MuteOffer(Horizontal):
    """Asks whether to mute a reported person; it disappears with the next message or change of channel."""

    def compose(self) -> ComposeResult:
        yield Static(id="offer-text", markup=False)
        # Tab reaches the harmless button first.
        yield Button(f"Keep {pressed('everywhere.decline_offer')}", id="offer-no", compact=True)
        yield Button(f"Mute {pressed('everywhere.accept_offer')}", id="offer-yes", compact=True)

    def offer_mute(self, username: str | None) -> None:
        """Offer to mute a person; None hides the offer."""
        self.display = bool(username)
        if username:
            show_text(self.query_one("#offer-text", Static), Content(f"Mute {name_text.quoted(username)}?"))

    @on(Button.Pressed, "#offer-yes")
    def _accept(self) -> None:
        self.post_message(OfferAnswered(mute=True))

    @on(Button.Pressed, "#offer-no")
    def _decline(self) -> None:
        self.post_message(OfferAnswered(mute=False))
