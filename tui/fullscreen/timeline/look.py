"""The look of a timeline: columns, styles and colours, on which the lines of every entry depend."""

from collections.abc import Mapping

from msgspec import Struct, field
from rich.cells import cell_len
from rich.style import Style as Ink
from textual.color import BLACK, Color
from textual.style import Style

from server.protocol import name_text
from tui.config import Hours
from tui.fullscreen.widgets.colours import name_colour
from tui.tone import Tone

LEFT_CELLS = 3
FLAG_CELLS = 4
MOST_TEXT_CELLS = 100
"""The maximum width of the text: longer lines are hard to read, and would be far from their flag."""
MOST_NAME_CELLS, LEAST_COLUMN_CELLS = 12, 32
"""In compact lines: the maximum width of the column of names, and the minimum width of text beside it."""
CLOCK_CELLS = {Hours.H24: 5, Hours.H12: 8}
"""The width of a time of day."""


class Styles(Struct, frozen=True):
    """The styles of a timeline in the current theme."""

    text: Style
    dim: Style
    code: Style
    link: Style
    good: Style
    bad: Style
    flag: Style
    named: Style

    def of(self, tone: Tone) -> Style:
        """Return the style of a notice with this tone."""
        return {Tone.GOOD: self.good, Tone.BAD: self.bad}.get(tone, self.dim)


class Look(Struct, frozen=True):
    """Everything that the lines of an entry depend on besides the entry; `width` is the whole line, in cells."""

    width: int
    styles: Styles
    plain: Ink
    """The base style of all lines."""
    lit: Ink
    """The base style of the highlighted message."""
    named: Ink
    """The base style of a message that names the user."""
    reports: bool
    """True if the site accepts reports."""
    background: Color = BLACK
    compact: bool = False
    """True to show authors on the line of the text, and no blank lines."""
    words: tuple[str, ...] = ()
    """The words by which a message names the user: their name, and those in their configuration."""
    hours: Hours = Hours.H24
    """The format of times when these lines are painted."""
    hues: Mapping[str, int] = field(default_factory=dict)
    """The hues of names."""

    @property
    def text_width(self) -> int:
        """The width of the text in cells, at least 1."""
        return max(1, min(MOST_TEXT_CELLS, self.width - LEFT_CELLS - FLAG_CELLS))

    @property
    def flag_at(self) -> int:
        """The first cell of the flags, right of the text."""
        return LEFT_CELLS + self.text_width

    @property
    def has_columns(self) -> bool:
        """True if time and author have columns of their own, left of the text."""
        return self.compact and self.text_width >= LEAST_COLUMN_CELLS

    @property
    def name_cells(self) -> int:
        """The width of the column of names."""
        return min(MOST_NAME_CELLS, self.text_width // 6)

    @property
    def lead_cells(self) -> int:
        """The width of the columns left of the text, including separators."""
        times = CLOCK_CELLS[self.hours] + 1
        return times + self.name_cells + cell_len(name_text.SEPARATOR) if self.has_columns else 0

    def colour(self, name: str) -> Color:
        return name_colour(name, self.background, self.hues)
