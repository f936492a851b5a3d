"""Takes the README's picture: the client in the demo's room, drawn by itself (`python -m docs.picture`)."""

import asyncio
from pathlib import Path

from tui.app import FlagpostApp
from tui.options import Options

SIZE = (110, 32)
SECONDS = 5.0
FILE = Path(__file__).parent / "room.svg"


async def main() -> None:
    """Join the demo, highlight a message, save the screen."""
    app = FlagpostApp(Options("ada", demo=True))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(SECONDS)
        await pilot.press("up")
        await pilot.pause()
        FILE.write_text(app.export_screenshot(title="Flagpost"), encoding="utf-8")
        await app.action_quit()


if __name__ == "__main__":
    asyncio.run(main())
