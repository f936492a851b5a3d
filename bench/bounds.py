"""Cost of the most expensive possible messages, compared with plain text of the same length in the same run.

`python -m bench.bounds [--rounds 15] [--search 100]` prints a table of the CPU time of this process, from the bytes of
a frame to the last screen that follows: decoding, cleaning, folding, wrapping, painting, and the terminal's bytes. The
texts are the most expensive ones of the tests' grammars, and the worst that a search finds, which changes a random
sequence of tokens and keeps each change that makes it more expensive. For comparison, Rich renders the same texts.
"""

import argparse
import asyncio
import gc
import io
import platform
import random
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec.structs import replace
from rich.console import Console
from rich.markdown import Markdown
from rich.style import Style as Ink
from textual.color import Color
from textual.style import Style

from bench.timeline import Bench, Stage
from server.protocol import codec
from server.protocol.frames import MAX_MESSAGE_CHARS
from server.webhooks.html import to_html
from tests.support.folding import AT, said, state
from tests.support.grammars import ADVERSARIAL, MULTILINE, TOKENS
from tui.clean_frames import clean_frame
from tui.client.entries import Line
from tui.client.fold import fold_frame
from tui.fullscreen.timeline.allowed import Offers
from tui.fullscreen.timeline.blocks import render
from tui.fullscreen.timeline.look import Look, Styles
from tui.fullscreen.timeline.view import TimelineView

LIMIT_MS = 10.0
WIDTHS, LINES = (20, 80, 120), 40
WORST = 6
"""Number of known texts that are measured on the screen."""
STARTS = 6
"""Number of searches, each from a different random text."""
MORE_TOKENS = (*TOKENS, "\n", "\t", "word ", "> ", "```", "👍🏽", "é", "ada")
PLAIN = ("A message as people write them: of words, commas and, now and then, a full stop. " * 50)[:MAX_MESSAGE_CHARS]

Times = dict[str, list[float]]
"""Milliseconds of each measurement."""


class Found(NamedTuple):
    """A text, and the milliseconds that drawing it takes."""

    cost: float
    name: str
    text: str


def draw(text: str) -> None:
    """Do the work that depends most on the text: parse, wrap and paint a screen of it."""
    styles = Styles(*(Style(foreground=Color(20 * number, 90, 120)) for number in range(8)))
    look = Look(80, styles, Ink(), Ink(), Ink(), reports=True, words=("ada",))
    strips = render(Line(1, "bob", text, AT, mine=False), look, above=None, before=None).strips
    for row in range(max(0, len(strips) - LINES), len(strips)):
        strips[row]


def milliseconds(work: Callable[[], object], runs: int = 3) -> float:
    """Return the milliseconds of CPU that a call takes: the minimum of several runs."""
    costs = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        costs.append((time.process_time() - begin) * 1000)
    return min(costs)


def known() -> list[Found]:
    """Return the texts of the tests' grammars, the most expensive first."""
    texts = {repr(each.text(1)): each.text(each.fitting(MAX_MESSAGE_CHARS)) for each in (*ADVERSARIAL, *MULTILINE)}
    return sorted((_measured(name, text) for name, text in texts.items()), reverse=True)


def search(steps: int, chance: random.Random) -> Found:
    """Return the most expensive text that a search of this number of steps finds."""
    parts = chance.choices(MORE_TOKENS, k=3)
    best = _repeated(parts)
    for _ in range(steps):
        kept = [each for each in parts if chance.random() < 0.8]
        kept.insert(chance.randrange(len(kept) + 1), chance.choice(MORE_TOKENS))
        if (found := _repeated(kept)).cost > best.cost:
            best, parts = found, kept
    return best


def _repeated(parts: list[str]) -> Found:
    unit = "".join(parts)
    return _measured(repr(unit), (unit * MAX_MESSAGE_CHARS)[:MAX_MESSAGE_CHARS])


def _measured(name: str, text: str) -> Found:
    return Found(milliseconds(lambda: draw(text)), name, text)


async def arrivals(texts: Mapping[str, str], width: int, rounds: int) -> Times:
    """Add each text once a round to a timeline of this width, which follows its end; return the costs of each text."""
    app, view, made, costs = Bench(), TimelineView(id="timeline"), state(), Times()
    message = said(1)

    def arrive() -> None:
        fold_frame(clean_frame(codec.decode_server(frame)), made)
        view.show_timeline(
            made.timeline, frozenset(), Offers(reports=True, profiles=True), placeholder="", words=("ada",)
        )

    async with app.run_test(headless=False, size=(width, LINES)):
        await app.push_screen(Stage(view))
        # The first round warms up.
        for number in range(rounds + 1):
            for name, text in texts.items():
                message = replace(message, msg_id=message.msg_id + 1, message=text)
                frame = codec.encode(message)
                # Otherwise a full garbage collection, caused by earlier texts, may hit any of them.
                gc.collect()
                gc.freeze()
                cost = await app.cost(arrive)
                if number:
                    costs.setdefault(name, []).append(cost)
    return costs


def rich_markdown(text: str) -> None:
    """Render a text with Rich, as many Textual apps do."""
    Console(file=io.StringIO(), width=80, height=LINES, force_terminal=True).print(Markdown(text))


async def main(rounds: int, steps: int) -> None:
    """Search, measure and report."""
    chance = random.Random(7)
    found = [*known()[:WORST], *sorted((search(steps, chance) for _ in range(STARTS)), reverse=True)[: WORST // 2]]
    texts = {"plain text": PLAIN, **{each.name: each.text for each in found}}
    times = {width: await arrivals(texts, width, rounds) for width in WIDTHS}
    print(f"{rounds} rounds, Python {platform.python_version()}, {platform.system()}; ms of CPU, medians\n")
    print(f"| 4,000 characters of | {' | '.join(f'{width} columns' for width in WIDTHS)} | HTML | Rich's Markdown |")
    print(f"| --- |{' --- |' * (len(WIDTHS) + 2)}")
    worst = 0.0
    for name, text in texts.items():
        shown = [statistics.median(times[width][name]) for width in WIDTHS]
        worst = max(worst, *shown)
        others = [milliseconds(lambda: work(text)) for work in (to_html, rich_markdown)]  # noqa: B023
        print(f"| `{name}` | {' | '.join(f'{each:.1f}' for each in (*shown, *others))} |")
    print(f"\nWorst: {worst:.1f} ms (limit {LIMIT_MS:g}): {'holds' if worst <= LIMIT_MS else 'missed'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--search", type=int, default=100, help="steps of each search")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.rounds, arguments.search))
