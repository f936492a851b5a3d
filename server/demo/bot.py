"""A bot: a real client that logs in over a websocket, sends lines of the script, and answers."""

import asyncio
import random
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count, cycle

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from server.demo.cast import Part
from server.protocol import target
from server.protocol.codec import BadFrame, decode_server, encode
from server.protocol.frames import Error, Frame, Login, Me, Message, Presence, Presences, Say, ServerFrame, Who

ANSWER_SECONDS = (0.8, 1.6)

_MARKDOWN = re.compile(r"([\\`*_~\[\]()<>!#|])")


async def pause(seconds: tuple[float, float]) -> None:
    """Wait for a random number of seconds between these two."""
    await asyncio.sleep(random.uniform(*seconds))  # noqa: S311 - no secret


def filled(text: str, name: str) -> str:
    """Insert a name into a line of the script, escaped so that it is not read as Markdown."""
    return text.replace("{name}", _MARKDOWN.sub(r"\\\1", name))


class Bot:
    """A bot of the cast; reconnects by itself."""

    def __init__(self, part: Part, members: set[str], seen: Callable[[str], None]) -> None:
        """Create a bot that adds its granted name to `members`, and calls `seen` with each name in the room."""
        self._part = part
        self._members = members
        self._seen = seen
        self._token = secrets.token_hex(16)
        self._connection: ClientConnection | None = None
        self._here = asyncio.Event()
        self._nonces = count(1)
        self._unconfirmed: dict[str, asyncio.Event] = {}
        self._asked: asyncio.Queue[Message] = asyncio.Queue(1)

    async def live(self, url: str) -> None:
        """Stay in the room until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stay_connected(url))
            group.create_task(self._answer(self._part.answers))

    async def say(self, channel: str, text: str) -> None:
        """Send a message, and wait until the server has accepted or refused it, or the connection is lost."""
        await self._here.wait()
        nonce = str(next(self._nonces))
        confirmed = self._unconfirmed[nonce] = asyncio.Event()
        try:
            await self._send(Say(channel, text, nonce))
            await confirmed.wait()
        except ConnectionClosed:
            self._unconfirmed.pop(nonce, None)

    async def _stay_connected(self, url: str) -> None:
        # It is our own local server: no size limit is needed, and no proxy may be used.
        async for connection in connect(url, proxy=None, compression=None, max_size=None):
            self._connection = connection
            with suppress(ConnectionClosed):
                await self._send(Login(self._part.name, self._token))
                while True:
                    self._receive(await connection.recv(decode=False))
            self._here.clear()
            for nonce in list(self._unconfirmed):
                self._confirm(nonce)

    async def _send(self, frame: Frame) -> None:
        if self._connection:
            await self._connection.send(encode(frame), text=True)

    def _receive(self, data: bytes) -> None:
        # Ignore unknown actions.
        with suppress(BadFrame):
            self._read(decode_server(data))

    def _read(self, frame: ServerFrame) -> None:
        match frame:
            case Me():
                self._members.add(frame.username)
                self._here.set()
            case Who():
                for entry in frame.who_list:
                    self._seen(entry.username)
            case Presence() if frame.who:
                self._seen(frame.username)
            case Presences():
                for each in frame.changes:
                    self._read(each)
            case Message():
                self._hear(frame)
            case Error() if frame.nonce:
                self._confirm(frame.nonce)

    def _hear(self, message: Message) -> None:
        if message.username not in self._members:
            if self._means_me(message):
                # One question at a time; more questions meanwhile get one answer.
                with suppress(asyncio.QueueFull):
                    self._asked.put_nowait(message)
        elif message.nonce:
            self._confirm(message.nonce)

    def _means_me(self, message: Message) -> bool:
        direct = message.channel == target.conversation(message.username)
        return direct or bool(self._part.called.search(message.message))

    def _confirm(self, nonce: str) -> None:
        if confirmed := self._unconfirmed.pop(nonce, None):
            confirmed.set()

    async def _answer(self, answers: Sequence[str]) -> None:
        for answer in cycle(answers):
            asked = await self._asked.get()
            await pause(ANSWER_SECONDS)
            await self.say(asked.channel, filled(answer, asked.username))
