"""Renders the entries of a timeline as terminal lines: wrapped and styled, with margin and flags."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct, field
from rich._wrap import divide_line
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style as Ink
from textual.color import BLACK, Color
from textual.strip import Strip
from textual.style import Style

from server.protocol import name_text
from server.protocol.codes import ReportState
from server.protocol.mentions import mentions
from tui.client import markdown
from tui.client.reactions import ShownReaction
from tui.client.report_words import status_words
from tui.client.timeline import Entry, Line, Notice, Pending
from tui.config import Hours
from tui.fullscreen.keys.keymap import pressed
from tui.fullscreen.widgets.colours import name_colour
from tui.text import clean
from tui.times import clock, day
from tui.tone import Tone

LEFT_CELLS = 3
FLAG_CELLS = 4
FLAG = "⚑"
EMOJI = "emoji"
"""Names the emoji of a reaction in the meta data of its style."""
BAR = "▌"
AUTHOR = "•"
"""In the margin, beside an author."""
NAMED = "@"
"""In the margin, beside a message that names the user."""
CONTINUES = "┊"
"""In the margin of a continued line, where nothing else shows that it continues the one above."""
JOINED_WITHIN = timedelta(minutes=5)
DELETED = "message deleted"
EDITED = "  (edited)"
MEND = "everywhere.mend"
NEW = "new messages"
MOST_TEXT_CELLS = 100
"""Longer lines are hard to read, and would be far from their flag."""
MOST_NAME_CELLS, LEAST_COLUMN_CELLS = 12, 32
"""In compact lines: the widest column of names, and the least width of the text with which there is one."""
TAB_CELLS = 4
_TABS = re.compile("(\t)")
CLOCK_CELLS = {Hours.H24: 5, Hours.H12: 8}
"""The width of a time of day."""
MARKS = {Tone.INFO: "·", Tone.SAID: "›", Tone.GOOD: "✓", Tone.BAD: "✗"}


class Run(NamedTuple):
    """Text in one style."""

    text: str
    style: Style
    source: str | None = None
    """What the mouse copies instead of the text, if that is something else."""
    fills: bool = False
    """True if the background continues to the end of the line."""


Row = list[Run]
"""A line as runs of text."""


class TextLine(NamedTuple):
    """A line as it is wrapped, and what separates it from the line before (newline or spaces)."""

    gap: str
    row: Row


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
        """Return the style of a notice."""
        return {Tone.GOOD: self.good, Tone.BAD: self.bad}.get(tone, self.dim)


class Look(Struct, frozen=True):
    """Everything besides the entry that its lines depend on; `width` is that of the whole line, in cells."""

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
    """Words that make a message one that names the user: the name and what they configured."""
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
        """The first cell of the flags, behind the text."""
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
        """The width of the columns left of the text, with what separates them."""
        times = CLOCK_CELLS[self.hours] + 1
        return times + self.name_cells + cell_len(name_text.SEPARATOR) if self.has_columns else 0

    def colour(self, name: str) -> Color:
        """Return the colour of a name."""
        return name_colour(name, self.background, self.hues)


class EntryBlock(Struct, frozen=True):
    """An entry and its lines, with everything besides the look that they depend on."""

    entry: Entry
    above: Entry | None
    """The entry shown right above it."""
    before: Line | Pending | None
    """The previous message; notices may be in between."""
    new: bool
    """True if it is the first new message."""
    strips: Sequence[Strip]
    head: int
    """The number of lines above the entry itself: blank line, day, and "new messages"."""
    joined: bool
    """True if it is shown under the author of the entry above."""


def is_joined(entry: Entry, above: Entry | None) -> bool:
    """Return whether an entry can go under the author above: the same person wrote both within JOINED_WITHIN."""
    if isinstance(entry, Notice) or above is None or isinstance(above, Notice):
        return False
    return entry.author == above.author and entry.at - above.at < JOINED_WITHIN


def estimates(entries: Iterable[Entry], above: Entry | None, look: Look) -> list[int]:
    """Estimate the height of each entry in lines, at a fraction of the cost of wrapping it."""
    heights, before = [], above.author if isinstance(above, Line) else ""
    width, apart = look.text_width - look.lead_cells, 1 if look.compact else 3
    for entry in entries:
        author = "" if isinstance(entry, Notice) else entry.author
        heights.append((1 if author == before else apart) + len(entry.text) // width)
        before = author
    return heights


def day_above(entry: Entry, before: Line | Pending | None) -> str:
    """Return the day to show above an entry; "" unless it is the first message of its day."""
    if isinstance(entry, Notice):
        return ""
    today = day(entry.at)
    return "" if before and day(before.at) == today else today


def render(
    entry: Entry,
    look: Look,
    *,
    above: Entry | None,
    before: Line | Pending | None,
    new: bool = False,
    lit: bool = False,
    hovered: bool = False,
) -> EntryBlock:
    """Wrap and paint an entry; `lit`: it is highlighted, `hovered`: the mouse is over it."""
    styles, today = look.styles, day_above(entry, before)
    joined = not today and not new and is_joined(entry, above)
    named = isinstance(entry, Line) and not entry.mine and mentions(entry.text, look.words)
    under = look.lit if lit else look.named if named else look.plain
    flag = _flag(entry, look, loud=lit or hovered)
    strips = [
        _strip(
            line.row,
            flag if not number else None,
            look,
            under,
            _margins(entry, look, first=not number, joined=joined, named=named, lit=lit),
        )
        for number, line in enumerate(_lines(entry, look, joined=joined))
    ]
    # A blank line separates an entry from the one above, unless both share an author.
    apart = [] if joined or look.compact else [Strip.blank(look.width, look.plain)]
    rules = [*[_rule(today, styles.dim, look)] * bool(today), *[_rule(NEW, styles.bad, look)] * new]
    head = [*apart, *rules]
    return EntryBlock(entry, above, before, new, [*head, *strips], len(head), joined)


def text_lines(block: EntryBlock, look: Look) -> list[TextLine]:
    """Return the lines of an entry."""
    return list(_lines(block.entry, look, joined=block.joined))


def copied(row: Row, start: int, end: int) -> str:
    """Return what was typed for these characters of a row."""
    found, at = "", 0
    for run in row:
        if run.source is None:
            found += run.text[max(0, start - at) : max(0, end - at)]
        elif start <= at < end:
            found += run.source
        at += len(run.text)
    return found


def _lines(entry: Entry, look: Look, *, joined: bool) -> Iterator[TextLine]:
    """Yield the lines of an entry, broken between words, or within a word that is longer than a line."""
    lead, others = _leads(entry, look)
    for row in _rows(entry, look, joined=joined):
        text = "".join(run.text for run in row)
        width = look.text_width - sum(cell_len(run.text) for run in lead)
        if cell_len(text) <= width:
            yield TextLine("\n", [*lead, *row])
            lead = others
            continue
        places = _breaks(text, width)
        between = _cuts(row, [(end, start) for (_, end), (start, _) in pairwise(places)])
        gaps = ["\n", *(_source(part) for part in between)]
        for part, gap in zip(_cuts(row, places), gaps, strict=True):
            yield TextLine(gap, [*lead, *part])
            lead = others


def _rows(entry: Entry, look: Look, *, joined: bool) -> list[Row]:
    if isinstance(entry, Notice):
        rows = _notice(entry, look.styles)
    elif look.has_columns:
        rows = _body(entry, look.styles)
    else:
        rows = [*([] if joined else [_header(entry, look)]), *_body(entry, look.styles)]
    return [_expanded(row) for row in rows]


def _expanded(row: Row) -> Row:
    """Return a row with spaces up to the next tab stop in place of each tab."""
    if not any("\t" in run.text for run in row):
        return row
    found, column = Row(), 0
    for run in row:
        for part in _TABS.split(run.text):
            spaces = " " * (TAB_CELLS - column % TAB_CELLS)
            found.append(run._replace(text=spaces, source=part) if part == "\t" else run._replace(text=part))
            column += len(spaces) if part == "\t" else cell_len(part)
    return [run for run in found if run.text or run.fills]


def _rule(words: str, style: Style, look: Look) -> Strip:
    """Return a line across the timeline. It starts in the margin, so that no message can fake one."""
    margin = "─" * LEFT_CELLS, style
    return _strip([Run(f" {words} ".center(look.text_width, "─"), style)], None, look, look.plain, margin)


def _margin(entry: Entry, look: Look, *, first: bool, joined: bool) -> tuple[str, Style]:
    """Return the margin of a line. No text reaches it, so none can fake an author, a notice or another message."""
    if isinstance(entry, Notice):
        return (MARKS[entry.tone] if first else CONTINUES), look.styles.of(entry.tone)
    author = first and not joined and not look.has_columns
    return (AUTHOR if author else ""), Style(foreground=look.colour(entry.author))


def _margins(entry: Entry, look: Look, *, first: bool, joined: bool, named: bool, lit: bool) -> tuple[str, Style]:
    """Return the margin of a line with the marks of a message that names the user, or is highlighted."""
    bold = Style(foreground=look.styles.named.foreground, bold=True)
    mark, style = (NAMED, bold) if first and named else _margin(entry, look, first=first, joined=joined)
    return (f"{NAMED}{BAR} " if mark == NAMED else BAR, Style()) if lit else (mark, style)


def _breaks(text: str, width: int) -> list[tuple[int, int]]:
    """Return start and end of each line; the spaces between two lines belong to neither."""
    edges = [0, *divide_line(text, width), len(text)]
    ends = [start + len(text[start:end].rstrip()) for start, end in pairwise(edges[:-1])]
    return list(zip(edges, [*ends, len(text)], strict=False))


def _cuts(row: Row, places: Iterable[tuple[int, int]]) -> Iterator[Row]:
    """Yield the parts of a row at these ascending (start, end) positions."""
    number = at = 0
    for start, end in places:
        runs = []
        while number < len(row):
            run = row[number]
            if part := run.text[max(0, start - at) : max(0, end - at)]:
                # What is copied instead of a run belongs to its first part.
                source = "" if run.source is not None and start > at else run.source
                runs.append(run._replace(text=part, source=source))
            if at + len(run.text) > end:
                break
            number, at = number + 1, at + len(run.text)
        yield runs


def _source(row: Row) -> str:
    """Return what was typed for a row."""
    return "".join(run.text if run.source is None else run.source for run in row)


def _strip(row: Row, flag: Segment | None, look: Look, under: Ink, margin: tuple[str, Style]) -> Strip:
    text = [Segment(run.text, _ink(under, look.styles.text, run.style)) for run in row]
    space = look.text_width - sum(cell_len(run.text) for run in row)
    if row and row[-1].fills and space > 0:
        text.append(Segment(" " * space, text[-1].style))
        space = 0
    mark, style = margin
    ink = _ink(under, look.styles.text, style) if mark and style else under
    segments = [Segment(mark.center(LEFT_CELLS), ink), *text]
    if space < 0:
        # A character two cells wide, where text has only one cell.
        segments = [*Strip(segments).crop(0, look.flag_at)]
    space = max(0, space)
    if flag:
        segments += [Segment(" " * space, under)] * bool(space) + [Segment(flag.text, under + flag.style)]
    else:
        segments.append(Segment(" " * (space + FLAG_CELLS), under))
    return Strip(segments, look.flag_at + FLAG_CELLS).adjust_cell_length(look.width, under)


def marked_flag(status: str) -> str:
    """Return the flag of a message with the sign of its report's status: shapes tell them apart, without colour."""
    return FLAG + (status_words(status).sign if status else "")


def _flag(entry: Entry, look: Look, *, loud: bool) -> Segment | None:
    """Return the flag, which is quiet unless the message is highlighted or its report failed."""
    if not look.reports or not isinstance(entry, Line) or entry.mine:
        return None
    loud = entry.report == ReportState.GIVEN_UP or (loud and not entry.reported)
    style = look.styles.flag if loud else look.styles.dim
    return Segment(f" {marked_flag(entry.report)}".ljust(FLAG_CELLS), style.rich_style)


@lru_cache(maxsize=1024)
def _ink(under: Ink, text: Style, style: Style) -> Ink:
    return under + (text + style).rich_style


def _header(entry: Line | Pending, look: Look) -> Row:
    author = Style(foreground=look.colour(entry.author), bold=True)
    return [Run(name_text.shown(entry.author), author), Run("  " + clock(entry.at), look.styles.dim)]


def _leads(entry: Entry, look: Look) -> tuple[Row, Row]:
    """Return what is left of the text on the first line of an entry, and on the others: nothing but in columns."""
    if isinstance(entry, Notice) or not look.has_columns:
        return [], []
    (name, author, *_), dim = _header(entry, look)[0], look.styles.dim
    shown = name if cell_len(name) <= look.name_cells else f"{set_cell_size(name, look.name_cells - 1).rstrip()}…"
    first = [
        Run(f"{clock(entry.at).rjust(CLOCK_CELLS[look.hours])} ", dim),
        Run(" " * (look.name_cells - cell_len(shown)), dim, source=""),
        Run(shown, author, source=name),
        Run(name_text.SEPARATOR, dim),
    ]
    gap = " " * (look.lead_cells - cell_len(name_text.SEPARATOR))
    return first, [Run(f"{gap}{CONTINUES} ", dim, source="")]


def _body(entry: Line | Pending, styles: Styles) -> list[Row]:
    if isinstance(entry, Line) and entry.taken_back:
        return [[Run(DELETED, styles.dim + Style(italic=True))]]
    # The user's own text is not cleaned before the server has returned it.
    rows = [_row(pieces, styles) for pieces in markdown.lines(clean(entry.text))]
    if isinstance(entry, Line) and entry.edited:
        rows[-1] = [*rows[-1], Run(EDITED, styles.dim, source="")]
    if isinstance(entry, Line) and entry.reactions:
        rows.append(_reactions(entry.reactions, styles))
    if isinstance(entry, Pending):
        rows = [[run._replace(style=run.style + styles.dim) for run in row] for row in rows]
        if entry.failure:
            rows += [[Run(line, styles.bad)] for line in f"✗ Not sent: {entry.failure}".split("\n")]
            rows += [[Run(f"  {pressed(MEND)} takes it back to the composer", styles.dim)]]
        else:
            rows[-1].append(Run("  sending…", styles.dim, source=""))
    return rows


def _reactions(reactions: Sequence[ShownReaction], styles: Styles) -> Row:
    """Return a row with each emoji and its count; the user's own have a tick."""
    dim, own = styles.dim, styles.dim + Style(bold=True)
    row: Row = []
    for each in reactions:
        row += [Run("  ", dim)] * bool(row)
        # The mouse finds the emoji in the style of what is under it.
        style = (own if each.mine else dim) + Style.from_meta({EMOJI: each.emoji})
        row.append(Run(f"{each.emoji} {len(each.usernames)}{'✓' if each.mine else ''}", style))
    return row


def _row(pieces: Sequence[markdown.Piece], styles: Styles) -> Row:
    return [Run(piece.text, _style(piece, styles), "" if piece.added else None, fills=piece.fenced) for piece in pieces]


def _style(piece: markdown.Piece, styles: Styles) -> Style:
    if piece.code:
        return styles.code + styles.dim if piece.mark else styles.code
    said = styles.dim if piece.quoted or piece.mark else Style()
    link = Style(link=piece.url) if piece.mark else styles.link + Style(link=piece.url)
    base = said + link if piece.url else said
    return base + Style(bold=piece.bold or None, italic=piece.italic or None, strike=piece.strike or None)


def _notice(entry: Notice, styles: Styles) -> list[Row]:
    style = styles.of(entry.tone)
    if entry.tone is Tone.SAID:
        rows = [_row(pieces, styles) for pieces in markdown.lines(entry.text)]
    else:
        rows = [[Run(line, Style())] for line in entry.text.split("\n")]
    shown = [Row(run._replace(style=style + run.style) for run in row) for row in rows]
    if entry.at:
        shown[-1].append(Run(f"  {clock(entry.at)}", styles.dim))
    return shown
