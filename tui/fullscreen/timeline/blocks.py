"""Renders the entries of a timeline as terminal lines: wrapped at once, and painted when they are seen."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache

from msgspec import Struct
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as Ink
from textual.strip import Strip
from textual.style import Style

from server.protocol.codes import ReportState
from server.protocol.mentions import mentions
from tui.client.entries import Entry, Line, Notice, Pending
from tui.client.report_words import status_words
from tui.fullscreen.timeline.entry_rows import CONTINUES, Row, Run, leads, rows
from tui.fullscreen.timeline.look import FLAG_CELLS, LEFT_CELLS, Look
from tui.fullscreen.timeline.wrapping import WrappedRows
from tui.times import day
from tui.tone import Tone

FLAG = "⚑"
BAR = "▌"
AUTHOR = "•"
"""Sign in the margin, beside an author."""
NAMED = "@"
"""Sign in the margin, beside a message that names the user."""
JOINED_WITHIN = timedelta(minutes=5)
NEW = "new messages"
MARKS = {Tone.INFO: "·", Tone.SAID: "›", Tone.GOOD: "✓", Tone.BAD: "✗"}


class LazyStrips:
    """The strips of a block: each is painted when it is seen, since a message can be far longer than the screen."""

    def __init__(self, head: Sequence[Strip], count: int, paint: Callable[[int], Strip]) -> None:
        """`paint` returns the strip of one of `count` lines below the head."""
        self._strips: list[Strip | None] = [*head, *[None] * count]
        self._head = len(head)
        self._paint = paint

    def __len__(self) -> int:
        return len(self._strips)

    def __iter__(self) -> Iterator[Strip]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, row: int) -> Strip:
        strip = self._strips[row]
        if strip is None:
            strip = self._strips[row] = self._paint(row - self._head)
        return strip


class EntryBlock(Struct, frozen=True):
    """An entry and its lines, with everything that they depend on besides the look."""

    entry: Entry
    above: Entry | None
    """The entry shown right above it."""
    before: Line | Pending | None
    """The previous message; notices may be in between."""
    new: bool
    """True if it is the first new message."""
    lines: WrappedRows
    strips: LazyStrips
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


def day_above(entry: Entry, before: Line | Pending | None) -> str | None:
    """Return the day to show above an entry; None unless it is the first message of its day."""
    if isinstance(entry, Notice):
        return None
    today = day(entry.at)
    return None if before and day(before.at) == today else today


def render(
    entry: Entry,
    look: Look,
    *,
    above: Entry | None,
    before: Line | Pending | None,
    new: bool = False,
    lit: bool = False,
    hovered: bool = False,
    wrapped: EntryBlock | None = None,
) -> EntryBlock:
    """Wrap an entry, to be painted later; `lit`: it is highlighted, `hovered`: the mouse is over it.

    `wrapped`: a block of the same entry, whose lines are reused if they still apply.
    """
    today = day_above(entry, before)
    joined = not today and not new and is_joined(entry, above)
    named = isinstance(entry, Line) and not entry.mine and mentions(entry.text, look.words)
    under = look.lit if lit else look.named if named else look.plain
    if wrapped and wrapped.joined == joined:
        lines = wrapped.lines
    else:
        lines = WrappedRows(rows(entry, look, joined=joined), leads(entry, look), look.text_width - look.lead_cells)

    def paint(number: int) -> Strip:
        margin = _margins(entry, look, first=not number, joined=joined, named=named, lit=lit)
        flag = None if number else _flag(entry, look, loud=lit or hovered)
        return _strip(lines[number].row, flag, look, under, margin)

    head = _head(look, today, new=new, joined=joined)
    return EntryBlock(
        entry=entry,
        above=above,
        before=before,
        new=new,
        lines=lines,
        strips=LazyStrips(head, len(lines), paint),
        head=len(head),
        joined=joined,
    )


def _head(look: Look, today: str | None, *, new: bool, joined: bool) -> list[Strip]:
    """Return the lines above an entry: a blank line unless it is `joined`, then the day and "new messages" if due."""
    apart = [] if joined or look.compact else [Strip.blank(look.width, look.plain)]
    styles = look.styles
    rules = ([_rule(today, styles.dim, look)] if today else []) + [_rule(NEW, styles.bad, look)] * new
    return [*apart, *rules]


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


def _strip(row: Row, flag: Segment | None, look: Look, under: Ink, margin: tuple[str, Style]) -> Strip:
    text = [Segment(run.text, _ink(under, look.styles.text, run.style, run.url)) for run in row]
    space = look.text_width - sum(cell_len(run.text) for run in row)
    if row and row[-1].fills and space > 0:
        text.append(Segment(" " * space, text[-1].style))
        space = 0
    mark, style = margin
    ink = _ink(under, look.styles.text, style) if mark and style else under
    segments = [Segment(mark.center(LEFT_CELLS), ink), *text]
    if space < 0:
        # A character is two cells wide, but the column of the text only one.
        segments = [*Strip(segments).crop(0, look.flag_at)]
    space, margin_right = max(0, space), max(0, look.width - look.flag_at - FLAG_CELLS)
    if flag:
        segments += [Segment(" " * space, under)] * bool(space) + [Segment(flag.text, under + flag.style)]
        segments += [Segment(" " * margin_right, under)] * bool(margin_right)
    else:
        segments.append(Segment(" " * (space + FLAG_CELLS + margin_right), under))
    strip = Strip(segments, look.flag_at + FLAG_CELLS + margin_right)
    # A Strip has several caches, so a second one is made only if the view is narrower than all its columns.
    return strip if strip.cell_length == look.width else strip.adjust_cell_length(look.width, under)


def marked_flag(status: str | None) -> str:
    """Return the flag with the sign of a report's status: statuses differ in shape, not only in colour."""
    return FLAG + (status_words(status).sign if status else "")


def _flag(entry: Entry, look: Look, *, loud: bool) -> Segment | None:
    """Return the flag, dim unless the message is highlighted or its report failed; None if it cannot be reported."""
    if not look.reports or not isinstance(entry, Line) or entry.mine:
        return None
    loud = entry.report == ReportState.GIVEN_UP or (loud and not entry.reported)
    style = look.styles.flag if loud else look.styles.dim
    return Segment(f" {marked_flag(entry.report)}".ljust(FLAG_CELLS), style.rich_style)


@lru_cache(maxsize=1024)
def _ink(under: Ink, text: Style, style: Style, url: str = "") -> Ink:
    return under + (text + style + Style(link=url or None)).rich_style
