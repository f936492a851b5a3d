"""A timeline alone on the screen, for pilot tests of what it shows."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tui.client.entries import Line
from tui.client.timeline import Timeline
from tui.fullscreen.app import LATER_CSS
from tui.fullscreen.timeline.allowed import Offers
from tui.fullscreen.timeline.view import TimelineView

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
COUNT = 3000


def line(number: int) -> Line:
    """Return a message whose text is its number; three in a row have the same author."""
    words = "a long story about rope and lamp oil " * (number % 7)
    return Line(number, f"sailor {number // 3}", f"<{number}> {words}", AT + timedelta(minutes=number), mine=False)


class Viewer(App[None]):
    """Shows `timeline`."""

    CSS_PATH = [LATER_CSS.with_name("room.tcss"), LATER_CSS]  # noqa: RUF012 - Textual declares it so

    def __init__(self) -> None:
        super().__init__()
        self.view = TimelineView(id="timeline")
        self.timeline = Timeline("lobby", "Lobby")

    def compose(self) -> ComposeResult:
        yield self.view

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self.timeline.add(line(number))
        self.show()

    def show(self, *hidden: str) -> None:
        self.view.show_timeline(self.timeline, set(hidden), Offers(reports=True, profiles=True), placeholder="nothing")

    def rows(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.view.render_lines(self.view.size.region)]

    def seen(self) -> list[int]:
        """Return the numbers of the messages whose first line is on the screen."""
        return [int(found) for row in self.rows() for found in re.findall(r"<(\d+)>", row)]


@asynccontextmanager
async def viewer(*numbers: int) -> AsyncIterator[tuple[Pilot[None], Viewer]]:
    app = Viewer()
    async with app.run_test(size=(80, 24)) as pilot:
        app.add(*(numbers or range(1, COUNT + 1)))
        await pilot.pause()
        yield pilot, app
