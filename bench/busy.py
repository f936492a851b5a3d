"""CPU of the client for a message, an arrival and a key in a busy room, next to a bare Textual app in the same run.

`python -m bench.busy [--rounds 5] [--against DIR] [--only WORDS] [--profile FILE]`. Each client runs in a terminal of
120x40 and is connected to a server of this program, which sends 5 messages a second. The bare app writes the same
messages into a RichLog; it also has an Input. `--against` also measures the client of another checkout, as "before".
`--profile` records all clients of the rooms with py-spy (`FILE.room name`) while messages arrive.

- idle: share of a core while nothing happens; the cursor blinks.
- message, arrival: milliseconds of CPU of the client's process, all threads, idle use subtracted.
- key: milliseconds from writing a letter to the terminal until the client has drawn it; quiet, or under 5 messages a
  second.
- bytes: sent to the terminal for each message.

All clients run at once, but only one at a time is measured; each round measures every one.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, field

from bench.busy_room import Kind, Room
from bench.sides import table

HERE = Path(__file__).parents[1]
RATE = 5.0
COUNT = 20
"""Messages or arrivals of a round."""
IDLE_SECONDS = 4.0
SETTLE_SECONDS = 0.5
LETTERS = "αβγδεζηθικλμ"
"""Typed one by one; no message has them."""
KEY_SECONDS = 0.13, 0.19
"""The pause between two keys."""
STUCK_SECONDS = 30.0
PEOPLE, CHANNELS = 2_000, 300


class Goal(NamedTuple):
    """The highest ratios that meet the goals; 0: no goal."""

    message: float = 0.0
    """A message, to one in the bare app."""
    crowded: float = 0.0
    """A message, to one in the small room."""
    arrival: float = 3.0
    """An arrival, to a message in the same room."""
    key: float = 1.5
    """A key while messages arrive, to a key while none do."""


SMALL = "10 people, 2 channels"
GOALS = {
    "bare": Goal(),
    SMALL: Goal(message=0.6),
    f"{PEOPLE:,} people": Goal(crowded=1.2),
    f"{CHANNELS} channels": Goal(crowded=1.2),
}


class Seen(Struct):
    """The figures of one client: one for each round; in `quiet` and `busy`, one for each key."""

    idle: list[float] = field(default_factory=list)
    message: list[float] = field(default_factory=list)
    arrival: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)


async def cost(room: Room, work: Awaitable[None]) -> float:
    """Wait for the work to end; return the client's CPU seconds until the last frame that follows."""
    before = room.cpu
    await work
    await asyncio.sleep(SETTLE_SECONDS)
    return room.cpu - before


async def keys(room: Room, chance: random.Random) -> list[float]:
    """Type each letter once, then delete all; return the milliseconds until each was drawn."""
    waits = []
    for letter in LETTERS:
        await asyncio.sleep(chance.uniform(*KEY_SECONDS))
        waits.append(await room.key(letter, STUCK_SECONDS))
    room.write("\x7f" * len(LETTERS))
    await asyncio.sleep(SETTLE_SECONDS)
    return waits


async def measure(room: Room, seen: Seen, chance: random.Random) -> None:
    """Measure each figure of a room once."""
    idle = await cost(room, asyncio.sleep(IDLE_SECONDS)) / (IDLE_SECONDS + SETTLE_SECONDS)
    seen.idle.append(idle * 100)
    length = COUNT / RATE + SETTLE_SECONDS
    room.output.clear()
    seen.message.append((await cost(room, room.say(COUNT, RATE)) - idle * length) / COUNT * 1000)
    seen.sent.append(len(room.output) / COUNT)
    if room.kind.checkout:
        seen.arrival.append((await cost(room, room.arrive(COUNT, RATE)) - idle * length) / COUNT * 1000)
    seen.quiet += await keys(room, chance)
    talk = asyncio.create_task(room.say(10_000, RATE))
    seen.busy += await keys(room, chance)
    talk.cancel()
    await asyncio.gather(talk, return_exceptions=True)


def kinds(against: Path | None) -> list[Kind]:
    """Return the rooms: of the bare app, of this checkout, and of the other checkout if there is one."""
    small, crowd, many = list(GOALS)[1:]
    found = [Kind("bare", 10, 2, None)]
    for label, checkout in (("before: ", against), ("", HERE)):
        if checkout:
            found += [
                Kind(label + small, 10, 2, checkout),
                Kind(label + crowd, PEOPLE, 2, checkout),
                Kind(label + many, 10, CHANNELS, checkout),
            ]
    return found


async def profile(room: Room, file: Path) -> None:
    """Record where the client spends its time while messages arrive."""
    seconds = str(int(4 * COUNT / RATE))
    arguments = ["record", "-d", seconds, "-r", "250", "-f", "raw", "-o", f"{file}.{room.kind.name}"]
    recorder = await asyncio.create_subprocess_exec("py-spy", *arguments, "--pid", str(room.pid))
    await room.say(4 * COUNT, RATE)
    await recorder.wait()


def report(figures: dict[str, Seen]) -> None:
    """Print the medians, and the ratios beside their goals."""
    bare = statistics.median(figures["bare"].message) if "bare" in figures else 0.0
    heads = (
        "room",
        "idle %",
        "message ms",
        "x bare",
        "x small",
        "arrival ms",
        "x message",
        "key ms",
        "p95",
        "busy",
        "p95",
        "x",
        "KB",
    )
    rows: list[Sequence[str]] = []
    for name, seen in figures.items():
        label, goal = name.rpartition(": ")[0], GOALS[name.rpartition(": ")[2]]
        beside = figures.get(f"{label}: {SMALL}" if label else SMALL)
        message, small = statistics.median(seen.message), statistics.median(beside.message) if beside else 0.0
        arrival = statistics.median(seen.arrival) if seen.arrival else 0.0
        quiet, busy = statistics.median(seen.quiet), statistics.median(seen.busy)
        rows.append(
            (
                name,
                f"{statistics.median(seen.idle):.2f}",
                f"{message:.1f}",
                ratio(message, bare, goal.message),
                ratio(message, small, goal.crowded) if beside is not seen else "",
                f"{arrival:.1f}" if arrival else "",
                ratio(arrival, message, goal.arrival) if arrival else "",
                f"{quiet:.1f}",
                f"{p95(seen.quiet):.0f}",
                f"{busy:.1f}",
                f"{p95(seen.busy):.0f}",
                ratio(busy, quiet, goal.key),
                f"{statistics.median(seen.sent) / 1000:.0f}",
            )
        )
    print(table(heads, rows))


def ratio(figure: float, of: float, goal: float) -> str:
    """Return a ratio, with its goal, if there is one, and whether the ratio meets the goal."""
    if not of:
        return ""
    found = figure / of
    limit = f" ({'holds' if found <= goal else 'missed'}: {goal:g})" if goal else ""
    return f"{found:.2f}{limit}"


def p95(waits: Sequence[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.95)]


async def main(rounds: int, against: Path | None, only: str, file: Path | None) -> None:
    """Measure in turn, and print the table."""
    chance, begin = random.Random(7), time.monotonic()
    chosen = [each for each in kinds(against) if only in each.name or each.name == "bare"]
    async with AsyncExitStack() as stack:
        rooms = [await stack.enter_async_context(Room(each).open()) for each in chosen]
        await asyncio.sleep(5)
        if file:
            for room in rooms:
                await profile(room, file)
            return
        figures = {room.kind.name: Seen() for room in rooms}
        for _ in range(rounds):
            for room in rooms:
                await measure(room, figures[room.kind.name], chance)
    print(f"{rounds} rounds in turn, medians, {time.monotonic() - begin:.0f} s\n")
    report(figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path, help="another checkout to measure, as 'before'")
    parser.add_argument("--only", default="", help="measure only rooms whose name contains this, and the bare app")
    parser.add_argument("--profile", type=Path, help="record profiles with py-spy instead")
    given = parser.parse_args()
    asyncio.run(main(given.rounds, given.against, given.only, given.profile))
