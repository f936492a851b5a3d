"""Pilot tests of the client: waiting for the screen without sleeping longer than necessary."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic

from textual.pilot import Pilot
from textual.widget import Widget

from server.protocol.codes import ErrorCode
from server.protocol.frames import CHAT_SERVER, Error, Say
from tests.support.drawing import FRAMES
from tests.support.scripted_server import ScriptedServer, scripted_server
from tests.support.shared_client import SharedClient
from tui.client.entries import Notice
from tui.config import Config, LoadedConfig, load
from tui.fullscreen.app import FlagpostApp
from tui.options import Options

GUARD_SECONDS = 30.0
DEFAULT = LoadedConfig(Config())


def screen_text(app: FlagpostApp) -> str:
    """Return the text of the screen, line by line."""
    return FRAMES.text(app)


async def until(pilot: Pilot[None], condition: Callable[[], bool], what: str = "") -> None:
    """Wait until a condition holds; fail with the screen if it never does."""
    end = monotonic() + GUARD_SECONDS
    while not condition():
        # The end of the block raises it.
        assert pilot.app._exception is None, "the client has failed"
        assert monotonic() < end, f"never came true: {what}\n{screen_text(app_of(pilot))}"
        await asyncio.sleep(0.02)


async def until_seen(pilot: Pilot[None], text: str) -> None:
    """Wait until a text is on the screen."""
    await until(pilot, lambda: text in screen_text(app_of(pilot)), text)


async def until_on(pilot: Pilot[None], screen: type[Widget]) -> None:
    """Wait until a screen of this class is shown."""
    await until(pilot, lambda: isinstance(pilot.app.screen, screen), screen.__name__)


async def until_told(pilot: Pilot[None], text: str) -> None:
    """Wait until a notice with this text is visible, however it is wrapped."""

    def told() -> bool:
        notices = [entry.text for entry in app_of(pilot).state.timeline.entries if isinstance(entry, Notice)]
        return any(text in notice and notice[:20] in screen_text(app_of(pilot)) for notice in notices)

    await until(pilot, told, text)


@contextmanager
def case(name: object) -> Iterator[None]:
    """Name the case that failed, where several share a client."""
    try:
        yield
    except BaseException as failure:
        failure.add_note(f"case: {name}")
        raise


def app_of(pilot: Pilot[None]) -> FlagpostApp:
    """Return the client that a pilot drives."""
    assert isinstance(pilot.app, FlagpostApp)
    return pilot.app


@asynccontextmanager
async def client(
    script: ScriptedServer | None = None, size: tuple[int, int] = (120, 36), loaded: LoadedConfig = DEFAULT
) -> AsyncIterator[tuple[Pilot[None], ScriptedServer]]:
    """Yield a client that is logged in as ada at a scripted server, and the server."""
    with scripted_server(script) as server:
        async with _running(Options("ada", server.url, loaded=loaded), size) as pilot:
            await until(pilot, lambda: app_of(pilot).state.last_seen > 0 or not server.opening, "the echo")
            await until_seen(pilot, "online as")
            await pilot.pause()
            yield pilot, server
            # What the test left on the screen can be drawn.
            screen_text(app_of(pilot))


shared: SharedClient | None = None
"""The client of the tests that share an event loop; others start one each."""


@asynccontextmanager
async def _running(options: Options, size: tuple[int, int]) -> AsyncIterator[Pilot[None]]:
    if shared and shared.loop is asyncio.get_running_loop():
        async with shared.at(options, size) as pilot:
            yield pilot
        return
    app = FlagpostApp(options)
    async with app.run_test(size=size) as pilot:
        yield pilot
        # Leave as a user does: a connection in progress would draw on a screen that is being removed.
        await app.leave()


@asynccontextmanager
async def first_start(directory: Path) -> AsyncIterator[tuple[Pilot[None], ScriptedServer]]:
    """Yield a client at its first start; its settings name the scripted server as the local one."""
    with scripted_server(ScriptedServer()) as server:
        settings = directory / "settings.toml"
        settings.write_text(f'Address = "{server.url.removeprefix("ws://").removesuffix("/ws")}"\n', encoding="utf-8")
        options = Options("ada", settings=settings, asks=True, loaded=load(directory / "config.toml"))
        async with FlagpostApp(options).run_test(size=(80, 24)) as pilot:
            await until_seen(pilot, "Welcome to Flagpost")
            yield pilot, server


async def until_said(pilot: Pilot[None], server: ScriptedServer) -> Say:
    """Wait for the one message that the client sent."""
    await until(pilot, lambda: bool(server.sent(Say)), "the message")
    (said,) = server.sent(Say)
    assert isinstance(said, Say)
    return said


@asynccontextmanager
async def away(pilot: Pilot[None], server: ScriptedServer) -> AsyncIterator[None]:
    """Refuse connections during the block; wait for the client to reconnect afterwards."""
    granted, server.login = server.login, lambda _: Error("Not now.", ErrorCode.INTERNAL, CHAT_SERVER)
    server.drop()
    await until(pilot, lambda: not app_of(pilot).client.online, "offline")
    yield
    server.login = granted
    server.drop()
    await until(pilot, lambda: app_of(pilot).client.online, "online again")
