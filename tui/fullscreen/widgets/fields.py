"""Text fields that accept every character, and move and delete by grapheme clusters."""

from textual import events, on
from textual.binding import Binding
from textual.document._document import Location
from textual.widgets import Input, TextArea
from textual.widgets.input import Selection

from tui.client import graphemes
from tui.fullscreen.keys.bindings import is_meant


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


class Prompt(TextArea):
    """A text area that grows with its text and runs the actions bound to its keys, such as Enter."""

    def __init__(self, *, placeholder: str = "", id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=placeholder, id=id, highlight_cursor_line=False)

    @on(events.Key)
    async def _run_bound_action(self, event: events.Key) -> None:
        """Run the action bound to the key, instead of the text area's own, and in the order typed.

        A priority binding would also take precedence, but would overtake what was typed or pasted before it.
        """
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and not binding.priority and is_meant(binding, event.key):
                event.prevent_default().stop()
                await self.run_action(binding.action)
        if event.character and graphemes.is_text(event.character):
            # Textual mistakes joiners and direction marks for keys without text.
            event.prevent_default().stop()
            self._replace_via_keyboard(event.character, *self.selection)

    def action_new_line(self) -> None:
        self.insert("\n")

    def get_cursor_left_location(self) -> Location:
        row, column = self.cursor_location
        if not column:
            return super().get_cursor_left_location()
        return row, graphemes.before(self.document.get_line(row), column)

    def get_cursor_right_location(self) -> Location:
        row, column = self.cursor_location
        line = self.document.get_line(row)
        return (row, graphemes.after(line, column)) if column < len(line) else super().get_cursor_right_location()
