"""Takes the pictures of the README and the docs: the client in the demo's room, drawn by itself.

`python -m docs.picture` writes docs/form.svg and docs/reports.svg; the room is in docs/recording.svg.
"""

import asyncio
from pathlib import Path

from textual.pilot import Pilot

from server.demo.cast import SPAMMER
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.timeline.view import TimelineView
from tui.options import Options

SIZE = (110, 32)
TALK_SECONDS = 5.0
ANSWER_SECONDS = 1.5
HERE = Path(__file__).parent


async def main() -> None:
    """Join the demo, highlight a message, report it, look at the reports; save form and reports."""
    app = FlagpostApp(Options("ada", demo=True))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(TALK_SECONDS)
        await pilot.press("up")
        # Whoever spoke last, the spammer is the one to report.
        while (line := app.query_one(TimelineView).highlighted) and line.author != SPAMMER:
            await pilot.press("up")
        await pilot.press("r")
        await _take(pilot, "form")
        await pilot.press("enter", *"third time today", "enter")
        await pilot.pause(ANSWER_SECONDS)
        await pilot.press("ctrl+r")
        await pilot.pause(ANSWER_SECONDS)
        await _take(pilot, "reports")
        await app.action_quit()


async def _take(pilot: Pilot[None], name: str) -> None:
    await pilot.pause()
    picture = pilot.app.export_screenshot(title="Flagpost")
    (HERE / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
