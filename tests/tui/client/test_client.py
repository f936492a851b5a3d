"""A client without a user interface, which reconnects."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from msgspec import structs

from server.protocol.frames import ClientFrame, Login, Me, Ping, ReportRequest, Say
from tests.support.key_login import Desk
from tests.support.scripted_server import WELCOME, ScriptedServer, scripted_server
from tui.client.client import Client
from tui.client.entries import Pending
from tui.options import Options
from tui.plain import typed_commands
from tui.plain.line_commands import LineCommands
from tui.plain.output import Transcript
from tui.plain.typed_commands import TypedCommand

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


async def test_an_unsent_message_is_shown_once_after_reconnecting() -> None:
    with scripted_server(keyed()) as server:
        client = Client(Options("ada", server.url), saves=True)
        async with online(client):
            client.say("hello")
            assert not client.loses, "it is saved now"
        async with online(client):
            assert [each.text for each in client.state.timeline.entries if isinstance(each, Pending)] == ["hello"]
        await client.close()


async def test_drafts_for_one_server_are_saved_when_the_client_switches_to_another() -> None:
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


def by_line(text: str) -> Callable[[Client], None]:
    """Return a function that carries out a line of line mode."""

    def carry_out(client: Client) -> None:
        transcript = Transcript(client.state)
        list(transcript.news())
        commands = LineCommands(client, transcript, lambda _: None)
        typed = typed_commands.parse(text)
        if isinstance(typed, TypedCommand):
            commands.run(typed)
        else:
            commands.say(text)

    return carry_out


@pytest.mark.parametrize(
    ("kind", "ask"),
    [
        (Say, lambda client: client.say("hello")),
        (Say, by_line("hello")),
        (Say, by_line("/me waves")),
        (ReportRequest, by_line("/report 1 spam")),
    ],
)
async def test_requests_made_during_a_login_are_sent_once(
    kind: type[ClientFrame], ask: Callable[[Client], None]
) -> None:
    admitted, entering = threading.Event(), threading.Semaphore(0)

    def login(frame: Login) -> Me:
        entering.release()
        admitted.wait(SECONDS)
        return Me(frame.username, op=False)

    with scripted_server(ScriptedServer(login=login)) as server:
        client = Client(Options("ada", server.url))
        admitted.set()
        async with online(client):
            assert await asyncio.to_thread(entering.acquire, timeout=SECONDS)
            admitted.clear()
            server.drop()
            assert await asyncio.to_thread(entering.acquire, timeout=SECONDS)
            ask(client)
            # Whatever is sent now is read after the login.
            await asyncio.sleep(0)
            admitted.set()
            async with asyncio.timeout(SECONDS):
                while not client.online:
                    await asyncio.sleep(0.01)
                client.send(Ping())
                await asyncio.to_thread(server.next_sent, Ping)
        assert len(server.sent(kind)) == 1
        await client.close()
