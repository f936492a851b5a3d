"""A client without a user interface that connects again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from msgspec import structs

from tests.support.key_login import Desk
from tests.support.scripted_server import WELCOME, ScriptedServer, scripted_server
from tui.client.client import Client
from tui.client.entries import Pending
from tui.options import Options

SECONDS = 20.0


def keyed() -> ScriptedServer:
    """Return a server that knows its people, and confirms no message."""
    desk = Desk()
    welcome = structs.replace(WELCOME, server=desk.server, challenge=desk.challenge)
    return ScriptedServer(welcome=welcome, login=desk.login, answer=lambda _: ())


@asynccontextmanager
async def online(client: Client) -> AsyncIterator[None]:
    """Find a server, and stay connected to it during the block."""
    await client.find()
    running = asyncio.create_task(client.run())
    async with asyncio.timeout(SECONDS):
        while not client.online:
            await asyncio.sleep(0.01)
    yield
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_an_unsent_message_is_there_once_after_connecting_again() -> None:
    with scripted_server(keyed()) as server:
        client = Client(Options("ada", server.url), saves=True)
        async with online(client):
            client.say("hello")
            assert not client.loses, "it is saved now"
        async with online(client):
            assert [each.text for each in client.state.timeline.entries if isinstance(each, Pending)] == ["hello"]
        await client.close()


async def test_what_is_unsent_at_one_server_is_saved_although_the_next_one_follows_at_once() -> None:
    with scripted_server(keyed()) as first, scripted_server(keyed()) as second:
        client = Client(Options("ada", first.url), saves=True)
        async with online(client):
            client.state.drafts = {"lobby": "for the first"}
            client.changed()
        client.options = Options("ada", second.url)
        async with online(client):
            assert client.state.drafts == {}
        await client.close()
        client = Client(Options("ada", first.url), saves=True)
        async with online(client):
            assert client.state.drafts == {"lobby": "for the first"}
        await client.close()
