"""The table of keys as Textual bindings."""

from textual.binding import Binding, BindingType

from tui.fullscreen.keys.keymap import KEYS, Key, Where, keys_of


def bindings(where: Where) -> list[BindingType]:
    """Return the bindings of a widget or screen."""
    return [_binding(key) for key in KEYS if key.where is where]


def is_meant(binding: Binding, key: str) -> bool:
    """Return whether a pressed key is currently bound to a binding."""
    return key in keys_of(binding.id or "", binding.key).split(",")


def _binding(key: Key) -> Binding:
    return Binding(key.keys, key.action, key.label or key.help, show=bool(key.label), priority=key.priority, id=key.id)
