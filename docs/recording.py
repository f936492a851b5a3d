"""Records three minutes with Flagpost for the README: the client at the demo's server, website and residents.

`python -m docs.recording` writes docs/recording.svg.
"""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx
from textual.pilot import Pilot

from docs.film import Frame, Size, compose
from server.demo.script import GALLEY
from tests.support.chat_client import entered
from tests.support.pilots import app_of, screen_text, until, until_seen
from tests.support.torn_proxy import Proxy
from tui.config import Config, Loaded
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.timeline.view import TimelineView
from tui.net.local_server import CHAT, INBOX, start
from tui.options import Options

SIZE = Size(100, 36)
SECONDS = 180
FILE = Path(__file__).parent / "recording.svg"
MORNING = 7 * 3600 + 42 * 60
"""The time of day at which it begins, in seconds: the residents say "Good morning"."""
SETTLE_SECONDS = 0.3
"""Until the footer has followed the focus."""
QUICK, SHORT, LONG, LONGEST = 1.5, 3.0, 4.5, 6.0

CAPS = {"escape": "Esc", "up": "↑", "down": "↓", "right": "→", "minus": "−"}


class Camera:
    """Drives the client, and takes a frame of what comes of it."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot
        self.app = app_of(pilot)
        self.frames: list[Frame] = []

    async def take(self, share: float, caption: str, *keys: str, seen: str = "", text: str = "") -> None:
        """Press the keys, write the text, wait for what shall be seen, and keep the frame."""
        await self.pilot.press(*keys, *text)
        if seen:
            await until_seen(self.pilot, seen)
        await self.pilot.pause(SETTLE_SECONDS)
        self.keep(share, caption, *map(_cap, keys))

    def keep(self, share: float, caption: str, *caps: str) -> None:
        """Keep what the screen shows now; `caps` stand on the keys before the caption."""
        self.frames.append(Frame(self.app.export_screenshot(), caption, caps, share))

    async def climb(self, words: str) -> None:
        """Highlight the message below the latest one with these words, so that one more arrow up reaches that."""
        await self.pilot.press("up")
        view = self.app.query_one(TimelineView)
        while view.highlighted and words not in view.highlighted.text:
            await self.pilot.press("up")
        await self.pilot.press("down")


def _cap(key: str) -> str:
    """A key as it is called: "ctrl+k" is Ctrl+K; a letter by itself stays small."""
    words = key.split("+")
    return CAPS.get(key) or (key if len(key) == 1 else "+".join(word.capitalize() for word in words))


class Harbour:
    """The demo, with a cable between it and the client."""

    def __init__(self, room: str, cable: Proxy, inbox: str) -> None:
        self._room = room
        self.cable = cable
        self._inbox = inbox

    async def visit(self, name: str, channel: str, text: str) -> None:
        """Let somebody come, say something, and leave."""
        async with entered(self._room, name) as visitor:
            await visitor.say(channel, text)

    async def resolve(self, note: str) -> None:
        """Answer the newest report, by the form of the website's own page."""
        async with httpx.AsyncClient(base_url=self._inbox, trust_env=False) as browser:
            (report, *_) = (await browser.get("/reports.json")).json()
            path = f"/reports/{report['ReportID']}"
            found = re.search('name="token" value="([^"]+)"', (await browser.get(path)).text)
            token = found[1] if found else ""
            await browser.post(path, data={"token": token, "status": "resolved", "note": note})


async def main() -> None:
    """Play the story and write the film."""
    begin_in_the_morning()
    async with harbour() as place, client(place) as camera:
        for scene in (enter, write, answer, look, report, follow, go_around, dress, lose_connection):
            await scene(camera, place)
    still = next(number for number, frame in enumerate(camera.frames) if CAPS["up"] in frame.keys)
    FILE.write_text(compose(camera.frames, SIZE, SECONDS, still), encoding="utf-8")


async def enter(camera: Camera, _place: Harbour) -> None:
    """The first start, and who greets a newcomer."""
    await until_seen(camera.pilot, "Enter goes on")
    await camera.pilot.pause(SETTLE_SECONDS)
    camera.keep(LONG, "The first start: name and server are filled in", "python -m tui")
    await camera.take(LONG, "Channels, what is said, who is here, what the keys do", "enter", seen="Welcome to The")
    await camera.take(
        LONG, "Newcomers are greeted, by some more kindly than by others", seen="FREE gold compass for new"
    )


async def write(camera: Camera, _place: Harbour) -> None:
    """A message with a completed name and emoji, and its answer."""
    await camera.take(SHORT, "Write. What Tab would complete stands below: names, channels,", text="Hello @mar")
    await camera.take(QUICK, "a name,", "tab")
    await camera.take(SHORT, "or an emoji by what it is called", text="how is the :ship")
    await camera.take(QUICK, "or an emoji by what it is called", "tab")
    await camera.take(QUICK, "Enter sends it", text="today?")
    await camera.take(SHORT, "Said", "enter")
    await camera.take(SHORT, "marlow answers, and names you", seen="Sorry ada")


async def answer(camera: Camera, _place: Harbour) -> None:
    """React to the answer, and reply to it."""
    await camera.climb("head in the bilge")
    await camera.take(SHORT, "Highlight a message: now single letters act on it", "up", seen="React")
    await camera.take(SHORT, "React: put an emoji under it,", "e", seen="Search emoji")
    await camera.take(SHORT, "an emoji found by its name.", text="joy")
    await camera.take(SHORT, "There it is; the same once more takes it away", "enter")
    await camera.take(SHORT, "Reply: what you answer to is quoted", "enter")
    await camera.take(QUICK, "Reply: what you answer to is quoted", text="Is the engine still singing?")
    await camera.take(SHORT, "Everybody sees what it answers", "enter")


async def look(camera: Camera, _place: Harbour) -> None:
    """Highlight what is not kind, and see who wrote it."""
    await camera.climb("card number")
    await camera.take(SHORT, "Now this one. Who is that?", "up")
    await camera.take(LONGEST, "What your site says about them. Trusted, since yesterday", "p", seen="since")


async def report(camera: Camera, _place: Harbour) -> None:
    """Fill in the form, send it, hide who was reported."""
    await camera.pilot.press("escape")
    await camera.take(LONGEST, "Report it. The messages around it go along, as they are shown", "r", seen="Sent:")
    await camera.take(SHORT, "Fewer of them, if that is enough", "minus", "minus")
    await camera.take(SHORT, "A reason of those that your site takes,", "enter")
    await camera.take(QUICK, "and in your words what it should know", text="It asks newcomers ")
    await camera.take(SHORT, "and in your words what it should know", text="for their card number.")
    await camera.take(
        SHORT, "Sent: on the server's disk before it is confirmed, then to the site", "enter", seen="You reported"
    )
    await camera.take(LONG, "Delivered", "escape", seen="delivered")
    await camera.take(LONG, "Hide what this person says? It is offered, never done unasked", "shift+tab")
    await camera.take(LONG, "And it is quiet", "enter")


async def follow(camera: Camera, place: Harbour) -> None:
    """See where the report stands, and how that changes."""
    await camera.take(LONG, "My reports: where each one stands, tomorrow as well", "ctrl+r", seen="delivered")
    await place.resolve("Thank you, ada. The account is closed.")
    await camera.take(LONGEST, "Meanwhile the site's moderator answers: resolved, and why", seen="★ resolved")
    await camera.pilot.press("escape")


async def go_around(camera: Camera, place: Harbour) -> None:
    """To a person, an unread channel, what was said, and where one was named."""
    await camera.take(SHORT, "Go to a channel or a person", "ctrl+k", seen="Go to channel or person")
    await camera.take(QUICK, "by a few letters of the name", text="tov")
    await camera.take(SHORT, "A direct message: only tove and you read it", "enter", seen="only you and I")
    await camera.take(QUICK, "A direct message: only tove and you read it", text="Thank you for the welcome!")
    await camera.take(SHORT, "tove answers", "enter", seen="loud and clear")
    await place.visit("noor", GALLEY, "@ada the cake that leans to port is yours, if you are here by ten")
    await camera.take(SHORT, "The next channel with something unread", "alt+a")
    await camera.take(SHORT, "Search what is loaded and what the server keeps", "ctrl+f", seen="Type words")
    await camera.take(QUICK, "Search what is loaded and what the server keeps", text="tide clock")
    await camera.take(LONG, "Found in every channel that you may read", "enter", seen="found")
    await camera.take(SHORT, "Go to it, in its channel", "down", "enter")
    await camera.take(LONG, "Every message that names you", "alt+m", seen="leans to port")
    await camera.take(SHORT, "Go to it", "enter")
    await camera.take(LONG, "All keys. Each can be changed", "f1", seen="Everywhere in the room")
    await camera.pilot.press("escape")


async def dress(camera: Camera, _place: Harbour) -> None:
    """Another theme."""
    await camera.take(SHORT, "Settings, which apply at once", "f2", seen="Reduced motion")
    await camera.take(SHORT, "Light by day; there are many themes, one of them of high contrast", "right")
    await camera.take(LONG, "Light by day; there are many themes, one of them of high contrast", "escape")
    await camera.pilot.press("f2", "left", "escape")


async def lose_connection(camera: Camera, place: Harbour) -> None:
    """Write while there is no connection."""
    await camera.pilot.press("alt+1")
    place.cable.shut = True
    place.cable.cut()
    await camera.take(LONG, "Somebody trips over the cable: it is tried again until it works", seen="No connection")
    await camera.take(SHORT, "Write on meanwhile", text="Is anybody there?")
    await camera.take(LONG, "The message waits", "enter")
    place.cable.shut = False
    await until_seen(camera.pilot, "Connected again")
    await until(camera.pilot, lambda: "sending…" not in screen_text(camera.app), "that the message is sent")
    await camera.take(LONGEST, "Connected again: it was sent, once, and nothing was missed")
    camera.keep(LONGEST, "Your turn: this harbour is yours to try", "python -m tui --demo")


def begin_in_the_morning() -> None:
    """Put this process, and those it starts, where it is 07:42 now."""
    half = 12 * 3600
    west = (time.time() - MORNING + half) % (2 * half) - half
    hours, rest = divmod(round(abs(west)), 3600)
    os.environ["TZ"] = f"<HBR>{'-' if west < 0 else '+'}{hours:02}:{rest // 60:02}:{rest % 60:02}"
    time.tzset()


@asynccontextmanager
async def harbour() -> AsyncIterator[Harbour]:
    """The demo, at any free ports."""
    server = await start("server.demo", ["--address", "127.0.0.1:0", "--site", "127.0.0.1:0"], [CHAT, INBOX])
    cable = Proxy(urlsplit(server.urls[CHAT]).port or 0)
    try:
        async with cable.serving():
            yield Harbour(server.urls[CHAT], cable, server.urls[INBOX])
    finally:
        await server.stop()


@contextmanager
def folder(place: Harbour) -> Iterator[None]:
    """Be in a folder of the session's own, whose settings have the harbour's address."""
    with TemporaryDirectory() as directory, chdir(directory):
        os.environ["XDG_DATA_HOME"] = directory
        Path("settings.toml").write_text(f'Address = "{urlsplit(place.cable.url).netloc}"\n', encoding="utf-8")
        yield


@asynccontextmanager
async def client(place: Harbour) -> AsyncIterator[Camera]:
    """The client at its first start."""
    loaded = Loaded(Config(reduced_motion=True), Path("config.toml"))
    app = FlagpostApp(Options("ada", settings=Path("settings.toml"), asks=True, loaded=loaded))
    with folder(place):
        async with app.run_test(size=SIZE) as pilot:
            yield Camera(pilot)
            await app.action_quit()


if __name__ == "__main__":
    asyncio.run(main())
