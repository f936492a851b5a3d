"""What the keys do here, at the bottom of every screen."""

from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey


class KeyFooter(Footer):
    """A footer in which the key that shows all keys stays, where there are more than the line can hold."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)

    def compose(self) -> ComposeResult:
        """Each key with what it does."""
        for key in super().compose():
            if isinstance(key, FooterKey) and key.action == "app.help":
                key.add_class("-always")
            yield key
