"""Runs all bots: they play the script, and greet newcomers."""

import asyncio
from collections import deque
from contextlib import suppress
from itertools import cycle

from server.demo.bot import Bot, filled, pause
from server.demo.cast import CAST, HOST, SPAMMER
from server.demo.script import CHANNELS, CONVERSATION, GREETINGS, HINT, LOBBY, LURES, OPENING, SPAM
from server.protocol import target

TALK_SECONDS = (2.0, 5.0)
SPAM_SECONDS = (18.0, 24.0)
GREETING_SECONDS = (2.0, 3.0)
LURE_SECONDS = (1.0, 2.0)
MAX_GREETED = 500
"""Number of remembered names, so that nobody is greeted twice."""
MAX_WAITING = 10
"""Maximum number of newcomers waiting for a greeting; more are not greeted."""


class Bots:
    """The bots of a room."""

    def __init__(self, site: str) -> None:
        """`site` is the address of the site, which the bots send to newcomers."""
        self._site = site
        self._members: set[str] = set()
        self._greeted: deque[str] = deque([part.name for part in CAST], maxlen=MAX_GREETED)
        self._newcomers: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)
        self._bots = {part.name: Bot(part, self._members, self._seen) for part in CAST}

    async def live(self, url: str) -> None:
        """Stay in the room and talk until cancelled."""
        async with asyncio.TaskGroup() as group:
            for bot in self._bots.values():
                group.create_task(bot.live(url))
            await self._open()
            group.create_task(self._talk())
            group.create_task(self._advertise())
            group.create_task(self._greet())

    async def _open(self) -> None:
        """Send the opening in all channels at once, in order within each channel."""
        await asyncio.gather(*(self._open_channel(channel.id) for channel in CHANNELS))

    async def _open_channel(self, channel: str) -> None:
        for line in OPENING:
            if line.channel == channel:
                await self._bots[line.who].say(channel, line.text)

    async def _talk(self) -> None:
        for line in cycle(CONVERSATION):
            await pause(TALK_SECONDS)
            await self._bots[line.who].say(line.channel, line.text)

    async def _advertise(self) -> None:
        for text in cycle(SPAM):
            await pause(SPAM_SECONDS)
            await self._bots[SPAMMER].say(LOBBY, text)

    def _seen(self, name: str) -> None:
        if name not in self._members and name not in self._greeted:
            self._greeted.append(name)
            with suppress(asyncio.QueueFull):
                self._newcomers.put_nowait(name)

    async def _greet(self) -> None:
        for greeting, lure in zip(cycle(GREETINGS), cycle(LURES), strict=False):
            name = await self._newcomers.get()
            await pause(GREETING_SECONDS)
            # A bot has another name if a guest took its name first.
            if name not in self._members:
                await self._bots[HOST].say(LOBBY, filled(greeting, name))
                await self._bots[HOST].say(target.conversation(name), filled(HINT.replace("{site}", self._site), name))
                await pause(LURE_SECONDS)
                await self._bots[SPAMMER].say(LOBBY, filled(lure, name))
