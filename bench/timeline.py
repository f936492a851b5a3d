"""Cost of a timeline of very many messages, compared with a bare full-screen repaint of prepared strips in one run.

`python -m bench.timeline [--messages 100000] [--rounds 120]` prints a table of the CPU time of this process from a key
to the last resulting frame, with the terminal's bytes produced and discarded. Each round includes every measurement. It
is not a test: times depend on the machine, ratios less so.
"""

import argparse
import asyncio
import platform
import random
import statistics
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from textual import events
from textual.app import App, ComposeResult
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.client.entries import Line
from tui.client.timeline import Timeline
from tui.fullscreen.app import LATER_CSS
from tui.fullscreen.themes import DARK
from tui.fullscreen.timeline.allowed import Offers
from tui.fullscreen.timeline.view import TimelineView

SIZE, NARROW = Size(120, 40), Size(80, 40)
QUIET_SECONDS = 0.03
"""Longer than a frame of Textual: after this long without a frame there will be none."""
BURST = 1000
ROUNDS_PER_BURST = 3
PLAIN = (
    "the wind is north east and lamp lit harbour rope splice tide noon crew boat storm of a to in we all don't see-saw"
)
MARKED = "灯台 ⚓ *morning* **slack** `knots` https://tides.example/today galley bread soup mast keel"
WORDS = [*PLAIN.split(), *MARKED.split()]
FENCED = "List:\n- rope\n- oil\n\n```\nfor each in rope:\n    splice(each)\n```"


class Goal(NamedTuple):
    """A measurement, and its limit in full-screen repaints."""

    name: str
    ratio: float


GOALS = [
    Goal("append", 2),
    Goal("page up", 3),
    Goal("highlight", 1),
    Goal("resize 80 to 120", 15),
    Goal(f"burst of {BURST:,}", 7),
]
FLOOR = "full repaint of ready strips"
P99_GOAL = 3
KIB_GOAL = 0.1


class Sink(HeadlessDriver):
    """A terminal that accepts output like a real one, and discards it."""

    @property
    def is_headless(self) -> bool:
        """Return False, because Textual writes no bytes to a headless terminal."""
        return False


class ReadyStrips(ScrollView, can_focus=True):
    """The lower bound: a full screen of prepared strips."""

    strips: list[Strip]

    def render_line(self, y: int) -> Strip:
        return self.strips[y]


class Stage(Screen[None]):
    """One widget over the whole screen."""

    def __init__(self, widget: ScrollView) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


class Bench(App[None]):
    """Performs the measured action on a key, and records each frame."""

    CSS_PATH = [LATER_CSS.with_name("room.tcss"), LATER_CSS]  # noqa: RUF012 - Textual declares it so
    BINDINGS = [("x", "act")]  # noqa: RUF012 - Textual declares it so

    def __init__(self) -> None:
        super().__init__(driver_class=Sink)
        self.act: Callable[[], object] = lambda: None
        self.painted = asyncio.Event()

    def on_mount(self) -> None:
        """Load the client's styles."""
        self.register_theme(DARK)
        self.theme = DARK.name

    def action_act(self) -> None:
        """Perform the measured action."""
        self.act()

    def post_display_hook(self) -> None:
        """Record that a frame was written."""
        self.painted.set()

    async def quiet(self) -> None:
        """Wait until no frame follows."""
        while True:
            self.painted.clear()
            try:
                await asyncio.wait_for(self.painted.wait(), QUIET_SECONDS)
            except TimeoutError:
                return

    async def cost(self, act: Callable[[], object]) -> float:
        """Return the milliseconds of CPU time from the key to the last frame."""
        await self.quiet()
        self.act = act
        begin = time.process_time()
        self.post_message(events.Key("x", "x"))
        await self.painted.wait()
        await self.quiet()
        return (time.process_time() - begin) * 1000


def messages(count: int, chance: random.Random) -> list[Line]:
    """Return the messages of a busy room: several authors, some long texts, some code, links and wide characters."""
    at, author, lines = datetime(2026, 1, 1, tzinfo=UTC), "ada", []
    for number in range(1, count + 1):
        at += timedelta(seconds=chance.expovariate(1 / 40))
        author = author if chance.random() < 0.4 else f"sailor {chance.randrange(40)}"
        text = " ".join(chance.choices(WORDS, k=1 + min(120, int(chance.expovariate(1 / 12)))))
        lines.append(Line(number, author, FENCED if chance.random() < 0.02 else text, at, author == "sailor 0"))
    return lines


class Room:
    """The measured timeline, and the actions on it."""

    def __init__(self, app: Bench, count: int, spare: int) -> None:
        self.app, self.view, self.timeline = app, TimelineView(id="timeline"), Timeline("lobby", "Lobby")
        self.chance = random.Random(7)
        self.lines = messages(count + spare, self.chance)
        self.next = 0
        self.floor = ReadyStrips()
        self.stages = Stage(self.view), Stage(self.floor)

    def add(self, count: int) -> None:
        """Add messages, and show them."""
        for line in self.lines[self.next : self.next + count]:
            self.timeline.add(line)
        self.next += count
        self.view.show_timeline(self.timeline, frozenset(), Offers(reports=True, profiles=True), placeholder="")

    async def turn(self, stage: Stage) -> None:
        """Switch to this screen."""
        if self.app.screen is not stage:
            await (self.app.push_screen("floor") if stage is self.stages[1] else self.app.pop_screen())
            stage.widget.focus()
            await self.app.quiet()

    async def load(self, count: int) -> float:
        """Fill the timeline; return the KiB per message besides the messages themselves."""
        await self.app.push_screen(self.stages[0])
        self.app.install_screen(self.stages[1], "floor")
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        self.add(count)
        await self.app.quiet()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        self.floor.strips = self.view.render_lines(self.view.size.region)
        return (after - before) / 1024 / count

    def resize(self, size: Size) -> None:
        """Resize as a terminal does."""
        self.app.post_message(events.Resize(size, size))

    async def round(self, *, burst: bool) -> dict[str, float]:
        """Measure each action once."""
        app, view, cost = self.app, self.view, {}
        await self.turn(self.stages[1])
        cost[FLOOR] = await app.cost(self.floor.refresh)
        await self.turn(self.stages[0])
        view.action_leave()
        cost["append"] = await app.cost(lambda: self.add(1))
        if burst:
            cost[f"burst of {BURST:,}"] = await app.cost(lambda: self.add(BURST))
        view.scroll_to(y=self.chance.randrange(view.max_scroll_y // 10, view.max_scroll_y), animate=False)
        await app.quiet()
        cost["page up"] = await app.cost(lambda: view.scroll_page_up(animate=False))
        view.jump(self.chance.randrange(self.next // 2, self.next))
        # The measured step starts at a message that is in view.
        view.action_move(-1)
        await app.quiet()
        cost["highlight"] = await app.cost(lambda: view.action_move(1))
        self.resize(NARROW)
        await app.quiet()
        cost["resize 80 to 120"] = await app.cost(lambda: self.resize(SIZE))
        return cost


def report(seen: dict[str, list[float]], kib: float, count: int) -> None:
    floor = statistics.median(seen[FLOOR])
    print(f"{count:,} messages, {SIZE.width}x{SIZE.height}, Python {platform.python_version()}, {platform.system()}\n")
    print("| what | median ms | x repaint | goal | p99 x median | goal | |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(f"| {FLOOR} | {floor:.2f} | 1 | | {p99(seen[FLOOR]) / floor:.1f} | | |")
    for goal in GOALS:
        median = statistics.median(seen[goal.name])
        ratio, tail = median / floor, p99(seen[goal.name]) / median
        verdict = "holds" if ratio <= goal.ratio and tail <= P99_GOAL else "missed"
        print(f"| {goal.name} | {median:.2f} | {ratio:.2f} | {goal.ratio:g} | {tail:.1f} | {P99_GOAL} | {verdict} |")
    print(f"\nKiB per message that was never shown, besides the message: {kib:.3f} (goal {KIB_GOAL})")


def p99(costs: list[float]) -> float:
    """Return the highest of the lower 99% of the costs."""
    return sorted(costs)[max(0, round(len(costs) * 0.99) - 1)]


async def main(count: int, rounds: int) -> None:
    """Load, measure and report."""
    app = Bench()
    async with app.run_test(headless=False, size=(SIZE.width, SIZE.height)):
        room = Room(app, count, rounds + (rounds // ROUNDS_PER_BURST + 1) * BURST)
        kib = await room.load(count)
        seen: dict[str, list[float]] = {}
        await room.round(burst=False)
        for number in range(rounds):
            for name, cost in (await room.round(burst=number % ROUNDS_PER_BURST == 0)).items():
                seen.setdefault(name, []).append(cost)
    report(seen, kib, count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=120)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.messages, arguments.rounds))
