"""However keys and frames interleave, the result is that of slow typing."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from server.protocol.frames import Say
from tests.support.pilots import app_of, client, until
from tests.support.scripted_server import ScriptedServer, confirming, line
from tests.support.typing import type_at_once
from tui.fullscreen.room.screen import RoomScreen

GALLEY, LOBBY = "\x0bgalley\r", "\x0blobby\r"
"""Both open a list, search it and choose in it."""
FRAME = ""
END = "the end"
"""Typed last: once it is there, everything before it has been handled, and nothing is left for the next example."""
PARTS = ["maybe ", "rd", "done it", "\r", "up", GALLEY, LOBBY, "ctrl+n", FRAME]


class Step(NamedTuple):
    """Something to type at once, or a frame to receive, and how many turns of the loop follow."""

    part: str
    turns: int


class Driven(NamedTuple):
    """A client that all examples share."""

    runner: asyncio.Runner
    pilot: Pilot[None]
    server: ScriptedServer


@pytest.fixture(scope="module")
def driven() -> Iterator[Driven]:
    with asyncio.Runner() as runner:
        context = client(ScriptedServer(answer=confirming()))
        pilot, server = runner.run(context.__aenter__())
        yield Driven(runner, pilot, server)
        runner.run(context.__aexit__(None, None, None))


class Typist:
    """What slow typing leads to."""

    def __init__(self) -> None:
        self.place = "lobby"
        self.drafts = {"lobby": "", "galley": ""}
        self.said: list[tuple[str, str]] = []

    def take(self, part: str) -> None:
        if part in {GALLEY, LOBBY, "ctrl+n"}:
            other = "lobby" if self.place == "galley" else "galley"
            self.place = {GALLEY: "galley", LOBBY: "lobby"}.get(part, other)
        elif part == "\r":
            if self.drafts[self.place].strip():
                self.said.append((self.place, self.drafts[self.place]))
                self.drafts[self.place] = ""
        elif part not in {"up", FRAME}:
            self.drafts[self.place] += part


STEPS = st.lists(st.builds(Step, st.sampled_from(PARTS), st.sampled_from([0, 0, 1, 5, 40])), max_size=12)


@given(STEPS)
@settings(max_examples=12)
def test_fast_typing_has_the_result_of_slow_typing(driven: Driven, steps: Sequence[Step]) -> None:
    driven.runner.run(_types(driven.pilot, driven.server, steps))


async def _types(pilot: Pilot[None], server: ScriptedServer, steps: Sequence[Step]) -> None:
    app, typist = app_of(pilot), Typist()
    composer = app.room.composer
    app.room.subjects.navigation.look_at("lobby")
    await until(pilot, lambda: app.focused is composer, "the composer")
    for place in typist.drafts:
        composer.put("", place)
    server.received.clear()
    # Enter quotes a message, and other keys act on it; text goes back to the composer first.
    steps = [*steps, Step(END, 0)]
    kept = [step for at, step in enumerate(steps) if step.part != "up" or is_text(steps[at + 1].part)]
    before = ""
    for part, turns in kept:
        if part == "\r" and before in {GALLEY, LOBBY}:
            # A second Enter is taken for a slip, if it comes soon.
            continue
        before = part or before
        typist.take(part)
        if part == FRAME:
            server.send(line(app.state.last_seen + 1000, "bob", "meanwhile", typist.place))
        else:
            type_at_once(pilot, part)
        for _ in range(turns):
            await asyncio.sleep(0)

    def same() -> bool:
        said = [(each.channel, each.message) for each in server.sent(Say) if isinstance(each, Say)]
        now = (app.state.current, composer.text, said)
        return isinstance(app.screen, RoomScreen) and now == (typist.place, typist.drafts[typist.place], typist.said)

    await until(pilot, same, f"{typist.place} {typist.drafts} {typist.said} {composer.text!r} {server.sent(Say)}")


def is_text(part: str) -> bool:
    return part in {"maybe ", "rd", "done it", END}
