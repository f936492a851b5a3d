"""A one-line text field that accepts every character, and moves and deletes by grapheme clusters."""

from textual import events, on
from textual.widgets import Input
from textual.widgets.input import Selection

from tui.client import graphemes


class Field(Input):
    """A one-line text field."""

    @on(events.Key)
    def _insert_invisible(self, event: events.Key) -> None:
        """Insert joiners and direction marks, which Textual mistakes for keys without text."""
        if event.character and graphemes.is_text(event.character):
            event.prevent_default().stop()
            self.replace(event.character, *self.selection)

    def action_cursor_left(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        start, end = self.selection
        if select or self.selection.is_empty:
            to = graphemes.before(self.value, end)
            self.selection = Selection(start if select else to, to)
        else:
            super().action_cursor_left()

    def action_cursor_right(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        start, end = self.selection
        if select or self.selection.is_empty:
            to = graphemes.after(self.value, end)
            self.selection = Selection(start if select else to, to)
        else:
            super().action_cursor_right()

    def action_delete_left(self) -> None:
        if self.selection.is_empty:
            self.delete(graphemes.before(self.value, self.cursor_position), self.cursor_position)
        else:
            self.delete_selection()

    def action_delete_right(self) -> None:
        if self.selection.is_empty:
            self.delete(self.cursor_position, graphemes.after(self.value, self.cursor_position))
        else:
            self.delete_selection()
