"""Check that a timeline holds no more memory after very many messages than after the first ones.

`python -m bench.soak [--messages 200000] [--seconds 600]` prints, for each tenth of the messages, what Python has
allocated besides them, and exits 1 if a later tenth leaves more allocated than the first. After each tenth, the view is
scrolled, highlighted, selected from, resized and restyled with another theme, and messages are deleted.
"""

import argparse
import asyncio
import gc
import random
import sys
import time
import tracemalloc

from textual.geometry import Offset
from textual.selection import Selection

from bench.timeline import NARROW, SIZE, Bench, Room
from tui.fullscreen.themes import DARK

BATCH = 500
"""Messages added at once."""
TENTHS = 10


def say(text: str) -> None:
    """Print, bypassing Textual, which captures output while it runs."""
    print(text, file=sys.__stdout__, flush=True)


async def use(room: Room, chance: random.Random) -> None:
    """Scroll, highlight, select, resize, change the theme, and delete messages, as a user does."""
    app, view = room.app, room.view
    for _ in range(2):
        view.scroll_to(y=chance.randrange(max(1, view.max_scroll_y)), animate=False)
        await app.quiet()
        view.scroll_page_up(animate=False)
        await app.quiet()
    view.jump(chance.randrange(1, room.next))
    first, last = view.render_line(0), view.render_line(view.size.height - 1)
    ends = [next(iter(strip)).style for strip in (first, last)]
    view.screen.selections = {view: Selection(*(Offset(0, each.meta["offset"][1]) for each in ends if each))}
    view.screen.get_selected_text()
    await app.quiet()
    for size in (NARROW, SIZE):
        room.resize(size)
        await app.quiet()
    app.theme = "textual-light" if app.theme == DARK.name else DARK.name
    room.timeline.take_back(chance.sample(range(1, room.next), 20))
    view.action_leave()


async def main(count: int, seconds: int) -> bool:
    """Add messages, use the view, measure; return whether memory is steady."""
    app, begin, chance = Bench(), time.monotonic(), random.Random(7)
    async with app.run_test(headless=False, size=(SIZE.width, SIZE.height)):
        room = Room(app, count, 0)
        await app.push_screen(room.stages[0])
        await app.quiet()
        tracemalloc.start()
        left: list[float] = []
        say("| messages | MiB | KiB a message of this tenth |\n| --- | --- | --- |")
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(TENTHS):
            for _ in range(count // TENTHS // BATCH):
                room.add(BATCH)
                await asyncio.sleep(0)
                if time.monotonic() - begin > seconds:
                    say(f"Not done after {seconds} s, at {room.next:,} messages.")
                    return False
            await use(room, chance)
            gc.collect()
            now, _ = tracemalloc.get_traced_memory()
            left.append((now - before) / 1024 / (count // TENTHS))
            before = now
            say(f"| {room.next:,} | {now / 2**20:.1f} | {left[-1]:.3f} |")
    steady = max(left[1:]) <= left[0]
    say(f"\n{'Steady' if steady else 'Not steady'}: {max(left[1:]):.3f} at most, {left[0]:.3f} in the first tenth.")
    return steady


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--seconds", type=int, default=600)
    arguments = parser.parse_args()
    sys.exit(not asyncio.run(main(arguments.messages, arguments.seconds)))
