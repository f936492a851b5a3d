"""Attempts to connect take turns: each starts when the one before has closed its connection."""

import asyncio
from types import SimpleNamespace
from typing import cast

from textual.app import App

from server.protocol.errors import OneLineError
from tui.client.client import Client
from tui.fullscreen.connection_control import ConnectedRoom, ConnectionControl
from tui.fullscreen.preferences import Preferences
from tui.options import Options

SECONDS = 20.0


class GatedClient:
    """A client whose steps end when the test says so."""

    def __init__(self) -> None:
        self.options = Options("alice", "ws://server.example")
        self.did: list[str] = []
        self.found: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.running, self.closed = asyncio.Event(), asyncio.Event()

    async def find(self) -> None:
        self.did.append("find")
        await self.found

    async def run(self) -> None:
        self.running.set()
        try:
            await asyncio.Event().wait()
        finally:
            # The closing handshake.
            await self.closed.wait()
            self.did.append("closed")

    async def finish_sending(self) -> None:
        pass

    async def close(self) -> None:
        self.did.append("end")


def control_of(app: App[None], client: GatedClient, noted: list[str]) -> ConnectionControl:
    """Return the control of this client's connection, which records the notices to the user."""
    room = SimpleNamespace(note=lambda text, _tone: noted.append(text))
    return ConnectionControl(
        app, cast(Client, client), cast(ConnectedRoom, room), cast(Preferences, None), lambda _options: None
    )


async def test_a_client_ends_although_an_attempt_waits_for_the_one_before() -> None:
    client = GatedClient()
    async with App[None]().run_test() as pilot, asyncio.timeout(SECONDS):
        control = control_of(pilot.app, client, [])
        client.found.set_result(None)
        await control.begin()
        await client.running.wait()
        await control.begin()
        await asyncio.sleep(0)
        ending = asyncio.create_task(control.end())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        client.closed.set()
        await ending
        # A request that comes after the end, such as the start, begins nothing.
        await control.begin()
        assert len(pilot.app.workers) == 0
    assert client.did == ["find", "closed", "end"]


async def test_an_attempt_that_fails_as_the_next_begins_is_not_shown() -> None:
    client, noted = GatedClient(), list[str]()
    async with App[None]().run_test() as pilot, asyncio.timeout(SECONDS):
        control = control_of(pilot.app, client, noted)
        await control.begin()
        while client.did != ["find"]:
            await asyncio.sleep(0)
        # Both in one turn of the event loop: the first attempt goes on before the second one starts.
        client.found.set_exception(OneLineError("nothing is listening there"))
        client.found = asyncio.get_running_loop().create_future()
        await control.begin()
        while client.did != ["find", "find"]:
            await asyncio.sleep(0)
        client.closed.set()
        await control.end()
    assert noted == []
