"""The help: all keys, by place, and all commands."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where, rows
from tui.fullscreen.widgets.footer import KeyFooter


class HelpScreen(ModalScreen[None]):
    """Shows the table of keys and the commands."""

    WHERE = Where.HELP
    BINDINGS = bindings(WHERE)

    def __init__(self, commands: Sequence[tuple[str, str]]) -> None:
        """`commands` are pairs of usage and help."""
        super().__init__()
        self._commands = commands

    def compose(self) -> ComposeResult:
        with Vertical(id="help"):
            yield Static(Content.styled("Keys", "bold"), id="help-title")
            with VerticalScroll(id="help-keys"):
                for where in Where:
                    yield Static(Content(where.value), classes="help-place")
                    yield Static(_table(rows(where)), classes="help-table")
                yield Static(Content("Commands, typed as a message"), classes="help-place")
                yield Static(_table(self._commands), classes="help-table")
        yield KeyFooter()

    @on(events.Mount)
    def _focus_list(self) -> None:
        """Focus the list, so that the arrow keys scroll it."""
        self.query_one("#help-keys").focus()

    def accept_text(self) -> None:
        """Return to the screen below, which has the text field."""
        self.dismiss()

    def action_close(self) -> None:
        self.dismiss()


def _table(rows: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(width=24, overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    for keys, meaning in rows:
        table.add_row(Text(keys, style="bold"), Text(meaning))
    return table
