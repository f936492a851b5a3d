"""The protocols by which the app and the type-ahead use screens and widgets, so that these need no common base."""

from typing import Protocol, runtime_checkable

from textual.events import Key, Paste

from tui.fullscreen.keys.keymap import Where


@runtime_checkable
class LiveScreen(Protocol):
    """A screen that is redrawn whenever the state has changed."""

    @property
    def is_mounted(self) -> bool:
        """True once the widgets exist."""

    def draw(self) -> None:
        """Draw the current state."""


@runtime_checkable
class Restyled(Protocol):
    """A widget whose look depends on the configuration."""

    def restyle(self, *, compact: bool) -> None:
        """Repaint with authors before the text (compact) or above it."""


@runtime_checkable
class Placed(Protocol):
    """A widget or screen with keys of its own in the table."""

    WHERE: Where


@runtime_checkable
class AcceptsText(Protocol):
    """A screen with a place for text that is typed while no text field has the focus."""

    def accept_text(self) -> None:
        """Focus the text field, or close this screen if the text belongs to the one below."""


@runtime_checkable
class Answered(Protocol):
    """A dialog that only deliberate keys answer."""

    asked_at: float
    """When the dialog was opened, on the monotonic clock."""

    def defer(self, event: Key | Paste) -> None:
        """Store a key or paste for the composer."""


@runtime_checkable
class Searchable(Protocol):
    """A dialog with a list that is searched by typing."""

    def finds_nothing(self) -> bool:
        """Return whether nothing in the list matches what was typed."""

    def action_close(self) -> None:
        """Close the dialog without a choice."""
