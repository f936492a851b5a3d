"""A busy room: what a message and an arrival may cost is counted in layouts and drawn rows, not in time."""

from collections.abc import Iterator
from contextlib import contextmanager

from textual.pilot import Pilot

from server.protocol.frames import ChannelEntry, Welcome, Who, WhoEntry
from tests.support.pilots import client, until_seen
from tests.support.scripted_server import OPENING, WELCOME, ScriptedServer, line

CROWD = Who([WhoEntry(f"person {number:03}", 1) for number in range(300)])
CHANNELS = [*WELCOME.channels, *(ChannelEntry(f"room{number}", f"Room {number}") for number in range(100))]
BUSY = Welcome(WELCOME.epoch, WELCOME.title, CHANNELS, WELCOME.webhooks, WELCOME.report_reasons, WELCOME.limits)


@contextmanager
def layouts(pilot: Pilot[None]) -> Iterator[list[object]]:
    """Yield a list with an item for each time that the screen is laid out."""
    seen: list[object] = []
    signal = pilot.app.screen.screen_layout_refresh_signal
    signal.subscribe(pilot.app.screen, seen.append)
    yield seen
    signal.unsubscribe(pilot.app.screen)


async def test_no_message_lays_out_the_screen() -> None:
    async with client(ScriptedServer(welcome=BUSY, opening=(CROWD, OPENING))) as (pilot, server):
        with layouts(pilot) as seen:
            for number, channel in enumerate(("lobby", "lobby", "lobby"), 10):
                server.send(line(number, "person 007", f"[Rope](https://example.org) number {number}", channel))
                await until_seen(pilot, f"number {number}")
        assert not seen
