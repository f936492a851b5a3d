"""Every text on every screen has the contrast that WCAG 2.2 requires, in every theme."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import BLACK, WHITE, Color
from textual.pilot import Pilot

from server.protocol.codes import ReportState
from server.protocol.frames import Echo, Reports, ReportsRequest, SearchRequest, SearchResults, Who, WhoEntry
from tests.support.pilots import app_of, client, until_seen
from tests.support.scripted_server import BEGIN, ScriptedServer, line, report
from tui.fullscreen.themes import CONTRAST, THEMES
from tui.fullscreen.widgets.colours import DRAWN, HIGH, READABLE, Legible, contrast

Triplet = tuple[int, int, int]
SAMPLE = "*both* **kinds** `code` [link](https://a.example) ~~gone~~ @ada\n> quoted\n```\nfenced\n```"
PEOPLE = Who(
    [
        WhoEntry("ada", 1),
        WhoEntry("bob", 2, status="at sea"),
        WhoEntry("cy", 3, status="away"),
        WhoEntry("dot", 4, dnd=True),
    ]
)
TALK = Echo([line(1, "bob", SAMPLE), line(2, "ada", SAMPLE), line(3, "cy", "yes"), line(9, "bob", "more", "galley")])
REPORTS = [
    report(number, "bob", status=status, error="No answer.", next_at=BEGIN + timedelta(days=1), note="Thank you.")
    for number, status in enumerate(ReportState, 1)
]
SCREENS: dict[str, tuple[list[str], str]] = {
    "room": ([], "online as ada"),
    "message": (["up"], "Report"),
    "people": (["ctrl+o"], "Profile"),
    "form": (["up", "r"], "What's wrong"),
    "reports": (["ctrl+r"], "Thank you"),
    "search": (["ctrl+f", *"yes", "enter"], "1 found"),
    "picker": (["ctrl+k"], "direct"),
    "commands": (["ctrl+g"], "Find a command"),
    "settings": (["f2"], "Reduced motion"),
    "keys": (["f1"], "Everywhere in the room"),
}


def answer(frame: object) -> list[Reports | SearchResults]:
    if isinstance(frame, ReportsRequest):
        return [Reports(REPORTS, nonce=frame.nonce)]
    if isinstance(frame, SearchRequest):
        return [SearchResults([line(3, "cy", "yes")], more=False, nonce=frame.nonce)]
    return []


TRIED = [*(theme.name for theme in THEMES), "textual-light"]
"""Our own themes, and the palest of Textual's; `test_every_colour_becomes_legible` covers whatever others have."""


@pytest.mark.parametrize("name", SCREENS)
async def test_every_text_on_a_screen_is_legible(name: str) -> None:
    keys, seen = SCREENS[name]
    async with client(ScriptedServer(opening=(PEOPLE, TALK), answer=answer), size=(104, 30)) as (pilot, _):
        await pilot.press(*keys)
        await until_seen(pilot, seen)
        pale = [found for theme in TRIED for found in await _pale(pilot, theme)]
    assert pale == []


@example((0, 0, 0), (234, 18, 6), HIGH, False)
@given(*[st.tuples(*[st.integers(0, 255)] * 3)] * 2, st.sampled_from([READABLE, HIGH]), st.booleans())
def test_every_colour_becomes_legible(text: Triplet, under: Triplet, least: float, dim: bool) -> None:
    style = Style(color=RichColor.from_rgb(*text), bgcolor=RichColor.from_rgb(*under), dim=dim)
    (segment,) = Legible(least).apply([Segment("text", style)], Color(0, 0, 0))
    ((_, ratio),) = _texts([segment])
    reachable = max(contrast(Color(*under), edge) for edge in (BLACK, WHITE))
    assert ratio >= min(least, reachable) - 0.01
    (border,) = Legible(least).apply([Segment("─╯", style)], Color(0, 0, 0))
    assert border.style == style


async def _pale(pilot: Pilot[None], theme: str) -> list[tuple[str, str, float]]:
    """Return the texts that have too little contrast in a theme."""
    app = app_of(pilot)
    app.theme = theme
    await pilot.pause()
    least = HIGH if theme == CONTRAST.name else READABLE
    strips = app.screen._compositor.render_strips()
    found = {(text, ratio) for strip in strips for text, ratio in _texts(strip) if ratio < least - 0.01}
    return [(theme, text, round(ratio, 2)) for text, ratio in sorted(found)]


def _texts(segments: Iterable[Segment]) -> Iterator[tuple[str, float]]:
    """Yield the texts of a line with their contrast ratios."""
    for text, style, _ in segments:
        if style and style.color and style.bgcolor and text.strip(DRAWN):
            under, over = style.bgcolor.triplet, style.color.triplet
            assert under, text
            assert over, text
            yield text, contrast(Color(*over), Color(*under))
