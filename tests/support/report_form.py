"""The report form in pilot tests, filled in as a user does."""

import asyncio

from msgspec import structs
from textual import events
from textual.pilot import Pilot

from server.protocol.frames import Echo, ReportRequest, Webhooks
from tests.support.pilots import until
from tests.support.scripted_server import WELCOME, ScriptedServer, line, relating, stands
from tui.fullscreen.screens.report_form import ReportForm

EVIDENCE = structs.replace(WELCOME, webhooks=Webhooks(report=True, profile=True, evidence=True))
TALK = Echo([line(number, "bob" if number % 2 else "Inés ⚓", f"words {number}") for number in range(1, 20)])


async def open_form(pilot: Pilot[None]) -> None:
    """Open the report form for the latest message."""
    await pilot.press("up", "r")
    await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
    await pilot.pause()


async def submit(pilot: Pilot[None]) -> None:
    """Report the latest message for the first reason."""
    await open_form(pilot)
    await pilot.press("enter", "enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, ReportForm), "the form is gone")


async def in_haste(pilot: Pilot[None], text: str, turns: int = 0) -> None:
    """Press keys this many turns of the loop apart, as on a slow machine; a line end is Enter."""
    names = {"\n": "enter", "-": "minus", " ": "space"}
    for char in text:
        pilot.app.post_message(events.Key(names.get(char, char), char.replace("\n", "\r")))
        for _ in range(turns):
            await asyncio.sleep(0)


async def sent_report(pilot: Pilot[None], server: ScriptedServer) -> ReportRequest:
    """Return the report, once it is sent."""
    await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")
    (report,) = server.sent(ReportRequest)
    assert isinstance(report, ReportRequest)
    return report


def taking() -> ScriptedServer:
    """Return a server that accepts reports and mutes."""
    related = relating()
    return ScriptedServer(answer=lambda frame: [stands(frame)] if isinstance(frame, ReportRequest) else related(frame))
