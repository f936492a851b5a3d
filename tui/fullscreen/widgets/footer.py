"""The footer: the keys available in the current context."""

from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey


class KeyFooter(Footer):
    """A footer that always shows the key for help, even if the keys do not fit."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._composed: list[tuple[str, ...]] = []

    async def recompose(self) -> None:
        """Replace the keys if they changed: each is a widget, and Textual asks for new ones at each change of focus."""
        if self.is_attached and self._keys() != self._composed:
            await super().recompose()

    def compose(self) -> ComposeResult:
        self._composed = self._keys() if self._bindings_ready else []
        for key in super().compose():
            if isinstance(key, FooterKey) and key.action == "app.help":
                key.add_class("-always")
            yield key

    def _keys(self) -> list[tuple[str, ...]]:
        return [
            (binding.action, binding.key, self.app.get_key_display(binding), binding.description, str(enabled))
            for _, binding, enabled, _ in self.screen.active_bindings.values()
            if binding.show
        ]
