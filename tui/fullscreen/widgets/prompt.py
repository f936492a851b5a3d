"""A text area that accepts every character, and moves and deletes by grapheme clusters."""

from textual import events, on
from textual.binding import Binding
from textual.document._document import Location
from textual.widgets import TextArea

from tui.client import graphemes
from tui.fullscreen.keys.bindings import is_meant


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
