"""A list of themes; the one that is highlighted is shown at once."""

from collections.abc import Sequence
from functools import partial

from textual import on
from textual.content import Content

from tui.client.fuzzy import rank
from tui.fullscreen.screens.picker import Picker
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow

NOW = "now"


class ThemePicker(Picker):
    """Returns the chosen theme; without a choice, the theme of before is shown again."""

    def __init__(self, themes: Sequence[str], current: str) -> None:
        super().__init__("Theme", partial(rows, [current, *(each for each in themes if each != current)], current))
        self._before = current

    @on(RowList.Highlighted)
    def _preview(self, event: RowList.Highlighted) -> None:
        if event.id:
            self.app.theme = event.id

    def action_close(self) -> None:
        """Restore the previous theme, and return None."""
        self.app.theme = self._before
        super().action_close()


def rows(themes: Sequence[str], current: str, query: str) -> list[ListRow]:
    """Return the themes whose names match a query."""
    found = [each for each in themes if not query.strip() or rank(query, each) is not None]
    return [ListRow(each, Content(each), Content(NOW if each == current else "")) for each in found]
