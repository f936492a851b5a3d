"""Makes one SVG that moves of many pictures of a terminal: no script, nothing from elsewhere, each line stored once."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring

from rich.cells import cell_len

SVG = "{http://www.w3.org/2000/svg}"
COLUMN, RICH_LINE, RICH_BASELINE = 12.2, 24.4, 20.0
"""The cell of Rich's pictures, and where in it letters stand, in units of the picture; letters are 20 high."""
LINE, BASELINE = 23.2, 18.4
"""Ours: lower, as high as most fonts draw a frame's upright line, so that those of two lines meet."""
PARTS = re.compile("[\\0-\\u10ff]+|[^\\0-\\u10ff]+")
"""Letters, and what may be wide, be it of several characters: a font rarely draws both as wide as cells are."""
MARGIN, BAR, CAPTION = 16.0, 40.0, 64.0
KEY_COLUMN = 11.0

STYLE = """\
.t { font: 20px "Fira Code", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; \
shape-rendering: crispEdges }
.c { font: 22px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #e6e9f5 }
.k { font: 18px "Fira Code", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #e6e9f5 }
.w { font: bold 18px system-ui, Arial, sans-serif; fill: #a9b1d0; text-anchor: middle }
.f { visibility: hidden; animation: SECONDSs step-end infinite }
@media (prefers-reduced-motion: reduce) { .f { animation: none !important } }
"""


class Frame(NamedTuple):
    """A picture by `App.export_screenshot`, the keys that led to it, and what happens there in a few words."""

    picture: str
    caption: str
    keys: Sequence[str]
    share: float
    """How long it is seen, in relation to the others."""


class Size(NamedTuple):
    """Of the terminal, in cells."""

    columns: int
    lines: int


class Wardrobe:
    """The looks and the lines that all frames together have, each with a short name."""

    def __init__(self) -> None:
        self.looks: dict[str, str] = {}
        self.lines: dict[str, str] = {}

    def look(self, declarations: str) -> str:
        """The class of a look."""
        return self.looks.setdefault(declarations, f"s{len(self.looks)}")

    def line(self, content: str) -> str:
        """The ID of a line, drawn as the topmost one."""
        return self.lines.setdefault(content, f"l{len(self.lines)}")


def compose(frames: Sequence[Frame], size: Size, seconds: int, still: int = 0) -> str:
    """Show the frames one after the other within so many seconds, over and over; `still` where nothing may move."""
    wardrobe, total, at = Wardrobe(), sum(frame.share for frame in frames), 0.0
    shown, times = [], []
    for number, frame in enumerate(frames):
        begin, at = at / total, at + frame.share
        shown.append(_frame(number, frame, size, wardrobe, at / total))
        times.append(_time(number, begin, at / total))
    width, height = size.columns * COLUMN + 2 * MARGIN, size.lines * LINE + BAR + CAPTION
    looks = "\n".join(f".{name} {{ {look} }}" for look, name in wardrobe.looks.items())
    lines = "\n".join(f'<g id="{name}">{content}</g>' for content, name in wardrobe.lines.items())
    moves = "\n".join(times)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}">
<style>
{STYLE.replace("SECONDS", str(seconds))}#f{still} {{ visibility: visible }}
{looks}
{moves}
</style>
<defs class="t">
{lines}
</defs>
<rect width="{width:g}" height="{height:g}" fill="#0b0d12"/>
<circle cx="24" cy="20" r="7" fill="#ff5f57"/><circle cx="46" cy="20" r="7" fill="#febc2e"/>
<circle cx="68" cy="20" r="7" fill="#28c840"/><text class="w" x="{width / 2:g}" y="27">Flagpost</text>
{"".join(shown)}</svg>
"""


def _time(number: int, begin: float, end: float) -> str:
    """When a frame is seen, as shares of the whole; it is hidden before and behind."""
    moments = {"0%": "hidden", f"{begin:.4%}": "visible", f"{end:.4%}": "hidden"}
    if number == 0:
        del moments["0%"]
    steps = " ".join(f"{moment} {{ visibility: {seen} }}" for moment, seen in moments.items())
    return f"#f{number} {{ animation-name: f{number} }} @keyframes f{number} {{ {steps} }}"


def _frame(number: int, frame: Frame, size: Size, wardrobe: Wardrobe, done: float) -> str:
    lines = "".join(
        f'<use href="#{wardrobe.line(content)}" y="{line * LINE:g}"/>'
        for line, content in enumerate(lines_of(frame.picture, size.lines, wardrobe))
        if content
    )
    bottom = BAR + size.lines * LINE
    terminal = f'<g class="t" transform="translate({MARGIN:g} {BAR:g})">{lines}</g>'
    progress = f'<rect y="{bottom + CAPTION - 4:g}" width="{done:.2%}" height="4" fill="#7aa2f7"/>'
    return f'<g class="f" id="f{number}">{terminal}{_caption(frame, bottom + CAPTION / 2)}{progress}</g>\n'


def _caption(frame: Frame, middle: float) -> str:
    parts, x = [], MARGIN + 4
    for key in frame.keys:
        width = len(key) * KEY_COLUMN
        parts.append(
            f'<rect x="{x:g}" y="{middle - 17:g}" width="{width + 20:g}" height="32" rx="6" fill="#2a3150" '
            f'stroke="#7aa2f7"/><text class="k" x="{x + 10:g}" y="{middle + 5:g}" textLength="{width:g}">'
            f"{escape(key)}</text>"
        )
        x += width + 30
    return "".join(parts) + f'<text class="c" x="{x + 4:g}" y="{middle + 7:g}">{escape(frame.caption)}</text>'


def lines_of(picture: str, count: int, wardrobe: Wardrobe) -> list[str]:
    """Each line of a picture that Rich made, by itself and in the looks of the wardrobe."""
    root = fromstring(picture)  # noqa: S314 - a picture of our own
    looks = dict(_looks(root))
    grounds: list[list[_Ground]] = [[] for _ in range(count)]
    for part in root.iterfind(f"./{SVG}g[@clip-path]/{SVG}rect"):
        ground = _Ground(part.get("fill", ""), _number(part, "x"), _number(part, "width"))
        _lay(grounds[int(_number(part, "y") / RICH_LINE)], ground)
    lines = ["".join(map(str, ground)) for ground in grounds]
    for part in root.iterfind(f"./{SVG}g[@clip-path]/{SVG}g/{SVG}text"):
        look = wardrobe.look(looks[part.get("class", "")])
        for x, run in _runs(_number(part, "x"), (part.text or "").rstrip("\n")):
            lines[round((_number(part, "y") - RICH_BASELINE) / RICH_LINE)] += (
                f'<text class="{look}" x="{x:g}" y="{BASELINE:g}" textLength="{cell_len(run) * COLUMN:g}">'
                f"{escape(run)}</text>"
            )
    return lines


def _runs(x: float, text: str) -> Iterator[tuple[float, str]]:
    """The parts of a text, and where each begins."""
    for run in PARTS.findall(text):
        if run.strip():
            yield x, run
        x += cell_len(run) * COLUMN


class _Ground(NamedTuple):
    """What is behind the letters of a part of a line."""

    fill: str
    x: float
    width: float

    def __str__(self) -> str:
        return f'<rect fill="{self.fill}" x="{self.x:g}" width="{self.width:g}" height="{LINE + 0.25:g}"/>'


def _lay(line: list[_Ground], ground: _Ground) -> None:
    """Put a ground behind the ones of its line, as one with the last if that is of the same colour."""
    last = line[-1] if line else None
    if last and last.fill == ground.fill and abs(last.x + last.width - ground.x) < COLUMN / 2:
        line[-1] = last._replace(width=ground.x + ground.width - last.x)
    else:
        line.append(ground)


def _looks(root: Element) -> Iterator[tuple[str, str]]:
    """Class and declarations of each look of a picture."""
    for rule in (root.findtext(f"{SVG}style") or "").split("}"):
        selector, _, declarations = rule.partition("{")
        yield selector.strip().removeprefix("."), declarations.strip()


def _number(part: Element, name: str) -> float:
    return float(part.get(name, "0"))
