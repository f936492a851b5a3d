"""The entries of a timeline as the lines of a terminal: wrapped, styled, stacked, without gutters."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate

from textual.color import Color
from textual.content import Content
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions

from tui import markdown
from tui.core.reactions import Reaction
from tui.core.timeline import Entry, Line, Notice, Pending, Tone
from tui.times import clock
from tui.widgets.colours import name_colour

JOINED_WITHIN = timedelta(minutes=5)
TAKEN_BACK = "taken back"
MARKS = {Tone.INFO: "·", Tone.SAID: "›", Tone.GOOD: "✓", Tone.BAD: "✗"}


@dataclass(frozen=True)
class Styles:
    """The theme's styles of what a timeline shows."""

    text: Style
    dim: Style
    code: Style
    link: Style
    good: Style
    bad: Style

    def of(self, tone: Tone) -> Style:
        """The style of a notice."""
        return {Tone.GOOD: self.good, Tone.BAD: self.bad}.get(tone, self.dim)


@dataclass(frozen=True)
class Block:
    """An entry and its lines; `joined` leaves the author out, who is the same as above."""

    entry: Entry
    joined: bool
    strips: Sequence[Strip]


class Stack:
    """Blocks one below the other; finds the block of a line and the lines of a block."""

    def __init__(self, blocks: Sequence[Block] = ()) -> None:
        self.blocks = blocks
        self._ends = list(accumulate(len(block.strips) for block in blocks))

    @property
    def height(self) -> int:
        """Lines of all blocks."""
        return self._ends[-1] if self._ends else 0

    def at(self, line: int) -> tuple[int, int] | None:
        """The number of the block that holds a line, and the line's number in it; None outside."""
        if not 0 <= line < self.height:
            return None
        number = bisect_right(self._ends, line)
        return number, line - self.start(number)

    def start(self, number: int) -> int:
        """The first line of a block."""
        return self._ends[number - 1] if number else 0

    def end(self, number: int) -> int:
        """The line behind a block."""
        return self._ends[number]


def stack(entries: Sequence[Entry], width: int, styles: Styles, rendered: Stack) -> Stack:
    """Render entries, but those that stand in `rendered` already (made for the same width and styles)."""
    known = {(id(block.entry), block.joined): block for block in rendered.blocks}
    blocks = []
    for entry, above in zip(entries, (None, *entries), strict=False):
        joined = is_joined(entry, above)
        # An entry never changes and the block holds on to it, so its identity stands for it.
        block = known.get((id(entry), joined))
        blocks.append(block or render(entry, joined=joined, width=width, styles=styles))
    return Stack(blocks)


def is_joined(entry: Entry, above: Entry | None) -> bool:
    """Whether an entry needs no author of its own: the same one spoke just before."""
    if isinstance(entry, Notice) or above is None or isinstance(above, Notice):
        return False
    return entry.author == above.author and entry.at - above.at < JOINED_WITHIN


def render(entry: Entry, *, joined: bool, width: int, styles: Styles) -> Block:
    """Wrap an entry to a width in cells."""
    if isinstance(entry, Notice):
        rows = _notice(entry, styles)
    else:
        rows = [*([] if joined else [_header(entry, styles)]), *_body(entry, styles)]
    options = RenderOptions(get_style=_no_names, rules={})
    strips = [strip for row in rows for strip in row.render_strips(max(1, width), None, styles.text, options)]
    # An entry without an author above it stands apart from what was before.
    return Block(entry, joined, strips if joined else [Strip.blank(0), *strips])


def _no_names(style: str | Style) -> Style:
    return style if isinstance(style, Style) else Style()


def _header(entry: Line | Pending, styles: Styles) -> Content:
    author = Style(foreground=Color.parse(name_colour(entry.author)), bold=True)
    return Content.assemble((entry.author, author), ("  " + clock(entry.at), styles.dim))


def _body(entry: Line | Pending, styles: Styles) -> list[Content]:
    if isinstance(entry, Line) and entry.taken_back:
        return [Content.styled(TAKEN_BACK, styles.dim + Style(italic=True))]
    rows = [_row(pieces, styles) for pieces in markdown.lines(entry.text)]
    if isinstance(entry, Line) and entry.reactions:
        rows.append(_reactions(entry.reactions, styles))
    if isinstance(entry, Pending):
        rows = [row.stylize(styles.dim) for row in rows]
        if entry.failure:
            rows.append(Content.assemble(("✗ Not sent: " + entry.failure, styles.bad)))
        else:
            rows[-1] = Content.assemble(rows[-1], ("  sending…", styles.dim))
    return rows


def _reactions(reactions: Sequence[Reaction], styles: Styles) -> Content:
    """Each emoji with its number; one's own have a tick."""
    dim, own = styles.dim, styles.dim + Style(bold=True)
    words = [(f"{each.emoji} {len(each.usernames)}{'✓' if each.mine else ''}", each.mine) for each in reactions]
    return Content("  ").join(Content.styled(word, own if mine else dim) for word, mine in words)


def _row(pieces: Sequence[markdown.Piece], styles: Styles) -> Content:
    return Content.assemble(*((piece.text, _style(piece, styles)) for piece in pieces)) if pieces else Content(" ")


def _style(piece: markdown.Piece, styles: Styles) -> Style:
    if piece.code:
        return styles.code
    base = styles.link + Style(link=piece.url) if piece.url else Style()
    return base + Style(bold=piece.bold or None, italic=piece.italic or None, strike=piece.strike or None)


def _notice(entry: Notice, styles: Styles) -> list[Content]:
    style = styles.of(entry.tone)
    if entry.tone is Tone.SAID:
        rows = [_row(pieces, styles) for pieces in markdown.lines(entry.text)]
    else:
        rows = [Content(line) for line in entry.text.split("\n")]
    marks = [f"{MARKS[entry.tone]} ", *["  "] * (len(rows) - 1)]
    return [Content.assemble(mark, row).stylize_before(style) for mark, row in zip(marks, rows, strict=True)]
