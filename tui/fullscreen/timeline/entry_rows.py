"""The text of a timeline's entries as styled rows, not wrapped yet."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len, set_cell_size
from textual.style import Style

from server.protocol import name_text
from tui.client import markdown
from tui.client.entries import Entry, Line, Notice, Pending
from tui.client.reactions import ShownReaction
from tui.fullscreen.keys.keymap import pressed
from tui.fullscreen.timeline.look import CLOCK_CELLS, Look, Styles
from tui.text import clean
from tui.times import clock
from tui.tone import Tone

EMOJI = "emoji"
"""The key of a reaction's emoji in the metadata of its style."""
CONTINUES = "┊"
"""Sign in the margin of a continued line, where nothing else shows that it continues the one above."""
DELETED = "message deleted"
EDITED = "  (edited)"
EDIT_FAILED = "everywhere.edit_failed"
TAB_CELLS = 4
MOST_TABS = 300
"""If a message has more, each becomes TAB_CELLS spaces, which the mouse then copies."""


class Run(Struct, frozen=True):
    """Text in one style."""

    text: str
    style: Style
    source: str | None = None
    """What the mouse copies instead of the text; None: the text itself."""
    fills: bool = False
    """True if the background continues to the end of the line."""
    url: str = ""
    """The address that a link opens."""


Row = list[Run]
"""A line as runs of text."""


def rows(entry: Entry, look: Look, *, joined: bool) -> list[Row]:
    """Return the rows of an entry; `joined`: it is shown under the author of the entry above."""
    if isinstance(entry, Notice):
        return _notice(entry, look.styles)
    header = [] if joined or look.has_columns else [_header(entry, look)]
    return header + _body(entry, look.styles)


def leads(entry: Entry, look: Look) -> tuple[Row, Row]:
    """Return the columns left of the text, on the first line of an entry and on the others; empty without columns."""
    if isinstance(entry, Notice) or not look.has_columns:
        return [], []
    author, dim = _header(entry, look)[0], look.styles.dim
    name = author.text
    shown = name if cell_len(name) <= look.name_cells else f"{set_cell_size(name, look.name_cells - 1).rstrip()}…"
    first = [
        Run(f"{clock(entry.at).rjust(CLOCK_CELLS[look.hours])} ", dim),
        Run(" " * (look.name_cells - cell_len(shown)), dim, source=""),
        Run(shown, author.style, source=name),
        Run(name_text.SEPARATOR, dim),
    ]
    gap = " " * (look.lead_cells - cell_len(name_text.SEPARATOR))
    return first, [Run(f"{gap}{CONTINUES} ", dim, source="")]


def _expanded(row: Row) -> Row:
    """Return a row with spaces up to the next tab stop in place of each tab."""
    if not any("\t" in run.text for run in row):
        return row
    found, column = Row(), 0
    for run in row:
        first, *others = run.text.split("\t")
        found.append(run if not others else replace(run, text=first))
        column += cell_len(first)
        for part in others:
            spaces = " " * (TAB_CELLS - column % TAB_CELLS)
            found += (Run(spaces, run.style, "\t", run.fills, run.url), replace(run, text=part))
            column += len(spaces) + cell_len(part)
    return [run for run in found if run.text]


def _header(entry: Line | Pending, look: Look) -> Row:
    author = Style(foreground=look.colour(entry.author), bold=True)
    return [Run(name_text.shown(entry.author), author), Run("  " + clock(entry.at), look.styles.dim)]


def _body(entry: Line | Pending, styles: Styles) -> list[Row]:
    if isinstance(entry, Line) and entry.taken_back:
        return [[Run(DELETED, styles.dim + Style(italic=True))]]
    # The user's own text is not cleaned before the server has returned it.
    found = _markdown(clean(entry.text), styles)
    if isinstance(entry, Pending):
        return _pending(entry, found, styles)
    if entry.edited:
        found[-1] = [*found[-1], Run(EDITED, styles.dim, source="")]
    if entry.reactions:
        found.append(_reactions(entry.reactions, styles))
    return found


def _pending(entry: Pending, text: list[Row], styles: Styles) -> list[Row]:
    """Return the dimmed text of an unsent message, and its state: being sent, or why sending failed."""
    found = [[replace(run, style=run.style + styles.dim) for run in row] for row in text]
    if not entry.failure:
        return [*found[:-1], [*found[-1], Run("  sending…", styles.dim, source="")]]
    why = [[Run(line, styles.bad)] for line in f"✗ Not sent: {entry.failure}".split("\n")]
    return [*found, *why, [Run(f"  Press {pressed(EDIT_FAILED)} to edit it", styles.dim)]]


def _reactions(reactions: Sequence[ShownReaction], styles: Styles) -> Row:
    """Return a row with each emoji and its count; the user's own have a tick."""
    dim, own = styles.dim, styles.dim + Style(bold=True)
    row: Row = []
    for each in reactions:
        row += [Run("  ", dim)] * bool(row)
        # A click finds the emoji in the style under the mouse.
        style = (own if each.mine else dim) + Style.from_meta({EMOJI: each.emoji})
        row.append(Run(f"{each.emoji} {len(each.usernames)}{'✓' if each.mine else ''}", style))
    return row


def _markdown(text: str, styles: Styles) -> list[Row]:
    """Return the rows of a message."""
    # Combining styles costs more than the rest, and a message has few different ones.
    known: dict[tuple[bool, ...], Style] = {}

    def run(piece: markdown.Piece) -> Run:
        kind = (piece.bold, piece.italic, piece.code, piece.strike, bool(piece.url), piece.quoted, piece.mark)
        if (style := known.get(kind)) is None:
            style = known[kind] = _style(piece, styles)
        return Run(piece.text, style, "" if piece.added else None, piece.fenced, piece.url)

    tabs = text.count("\t")
    if tabs > MOST_TABS:
        text = text.replace("\t", " " * TAB_CELLS)
    found = [[run(piece) for piece in pieces] for pieces in markdown.lines(text)]
    return [_expanded(row) for row in found] if tabs else found


def _style(piece: markdown.Piece, styles: Styles) -> Style:
    if piece.code:
        return styles.code + styles.dim if piece.mark else styles.code
    said = styles.dim if piece.quoted or piece.mark else Style()
    base = said + styles.link if piece.url and not piece.mark else said
    return base + Style(bold=piece.bold or None, italic=piece.italic or None, strike=piece.strike or None)


def _notice(entry: Notice, styles: Styles) -> list[Row]:
    style = styles.of(entry.tone)
    said = entry.tone is Tone.SAID
    found = _markdown(entry.text, styles) if said else [[Run(line, Style())] for line in entry.text.split("\n")]
    shown = [Row(replace(run, style=style + run.style) for run in row) for row in found]
    if entry.at:
        shown[-1].append(Run(f"  {clock(entry.at)}", styles.dim))
    return shown
