"""The table of keys as Textual binds them."""

from textual.binding import Binding, BindingType

from tui.fullscreen.keys.keymap import KEYS, Key, Where, keys_of


def bindings(where: Where) -> list[BindingType]:
    """Return what a widget or screen binds."""
    return [_binding(key) for key in KEYS if key.where is where]


def is_meant(binding: Binding, key: str) -> bool:
    """Return whether a key that was pressed is one that a binding has now."""
    return key in keys_of(binding.id or "", binding.key).split(",")


def _binding(key: Key) -> Binding:
    return Binding(key.keys, key.action, key.label or key.help, show=bool(key.label), priority=key.priority, id=key.id)
