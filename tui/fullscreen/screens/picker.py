"""A dialog to pick one item from a list, filtered as the user types."""

from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.field import Field
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow

LONGEST = 64


class Picker(ModalScreen[str | None]):
    """Returns the ID of the chosen row, or None."""

    BINDINGS = bindings(Where.PICKER)

    def __init__(
        self,
        placeholder: str,
        offer: Callable[[str], Sequence[ListRow]],
        preview: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`offer` returns the rows for a query; `preview` is called with the ID of each row that is highlighted."""
        super().__init__()
        self._placeholder = placeholder
        self._offer = offer
        self._preview = preview

    def compose(self) -> ComposeResult:
        with Vertical(id="picker"):
            yield Field(placeholder=self._placeholder, id="picker-query", max_length=LONGEST, compact=True)
            yield RowList(id="picker-list")
            yield Static(Content("No match."), id="picker-none", markup=False)
        yield KeyFooter()

    @on(events.Mount)
    def _focus_input(self) -> None:
        """Focus the input; the arrow keys still move the highlight in the list."""
        self.query_one(RowList).can_focus = False
        self.query_one(Input).focus()
        self._fill("")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def _fill(self, query: str) -> None:
        rows = list(self._offer(query))
        self.query_one(RowList).show_rows(rows, rows[0].id if rows else None)
        self.query_one("#picker-list").display = bool(rows)
        self.query_one("#picker-none").display = not rows

    def finds_nothing(self) -> bool:
        return not self.query_one("#picker-list").display

    def action_choose(self) -> None:
        """Close the dialog and return the ID of the highlighted row."""
        if chosen := self.query_one(RowList).chosen:
            self.dismiss(chosen)

    @on(RowList.Highlighted)
    def _highlighted(self, event: RowList.Highlighted) -> None:
        self._preview(event.id)

    @on(RowList.Selected)
    def _selected(self, event: RowList.Selected) -> None:
        self.dismiss(event.id)

    def action_move(self, by: int) -> None:
        """Highlight another row."""
        rows = self.query_one(RowList)
        if by > 0:
            rows.action_cursor_down()
        else:
            rows.action_cursor_up()

    def action_close(self) -> None:
        """Close the dialog without a choice."""
        self.dismiss(None)
