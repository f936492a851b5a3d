"""A room for `bench.busy`: a server that sends what the benchmark asks for, and a client of it in a terminal."""

import asyncio
import fcntl
import os
import random
import struct
import sys
import termios
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Self

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.sides import Side
from server.protocol.codec import decode_client, encode
from server.protocol.frames import (
    ChannelEntry,
    Echo,
    History,
    HistoryRequest,
    Limits,
    Login,
    Me,
    Message,
    Ping,
    PlaceEntry,
    Places,
    Pong,
    Presence,
    ServerFrame,
    Webhooks,
    Welcome,
    Who,
    WhoEntry,
)
from tests.support.server_process import environment

LINES, COLUMNS = 40, 120
ECHO = 100
"""Number of messages in the room at the start."""
START_SECONDS = 60.0
SPOKEN = "the quick brown fox jumps over a lazy dog while we talk about things and read https://example.org/x today"
WORDS = [*SPOKEN.split(), "**bold**", "`code`"]
BARE = """
import json, sys
from textual.app import App
from textual.widgets import Input, RichLog, Static
from websockets.asyncio.client import connect

class Bare(App):
    CSS = "RichLog { height: 1fr; }"

    def compose(self):
        yield Static("Bench")
        yield RichLog(wrap=True, markup=False)
        yield Input()

    def on_mount(self):
        self.query_one(Input).focus()
        self.run_worker(self.read())

    async def read(self):
        log = self.query_one(RichLog)
        async with connect(sys.argv[1], proxy=None) as connection:
            async for data in connection:
                frame = json.loads(data)
                if frame["action"] == "welcome":
                    await connection.send(json.dumps({"action": "login", "username": "me"}))
                for message in [frame] if frame["action"] == "message" else frame.get("messages", []):
                    log.write(f"{message['username']} {message['message']}")

Bare().run()
"""
"""The smallest app that shows messages: it writes them into a RichLog."""


class Kind(NamedTuple):
    """A room, and the client in it."""

    name: str
    people: int
    channels: int
    checkout: Path | None
    """The client's code; None: the bare app."""


class Room:
    """A room with one client, and the measurements of that client."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.output = bytearray()
        """What the client sent to its terminal."""
        self._names = [f"person{number:04}" for number in range(kind.people)]
        self._channels = [f"room{number}" for number in range(kind.channels)]
        self._chance, self._numbers, self._guests = random.Random(7), count(1), count()
        self._inside = asyncio.Event()
        self._connection: ServerConnection | None = None
        self._came = asyncio.Event()
        self._process: Process | None = None
        self._terminal = -1

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Run the server and the client until the block ends."""
        with TemporaryDirectory() as home:
            async with serve(self._handle, "127.0.0.1", 0, compression=None) as server:
                await self._start(server.sockets[0].getsockname()[1], Path(home))
                try:
                    await asyncio.wait_for(self._inside.wait(), START_SECONDS)
                    yield self
                finally:
                    await self._end()

    async def _start(self, port: int, home: Path) -> None:
        self._terminal, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        url, checkout = f"ws://127.0.0.1:{port}", self.kind.checkout
        program = ["-m", "tui", url, "--name", "me"] if checkout else ["-c", BARE, url]
        extra = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "", "LINES": "", "HOME": str(home)}
        extra |= {"XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home), "PYTHONPATH": str(checkout or "")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *program, cwd=checkout, env=environment(extra), stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._terminal, self._read)

    async def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal)
        if self._process:
            self._process.kill()
            await self._process.wait()
        os.close(self._terminal)

    def _read(self) -> None:
        self.output += os.read(self._terminal, 1 << 16)
        self._came.set()

    # The server.

    async def _handle(self, connection: ServerConnection) -> None:
        self._connection = connection
        # The client is killed at the end.
        with suppress(ConnectionClosed):
            await self._send(self._welcome())
            async for data in connection:
                frame = decode_client(data.encode() if isinstance(data, str) else data)
                if isinstance(frame, Login):
                    await self._send(*self._opening())
                    self._inside.set()
                elif isinstance(frame, HistoryRequest):
                    await self._send(History(frame.channel, [], more=False, nonce=frame.nonce))
                elif isinstance(frame, Ping):
                    await self._send(Pong())

    async def _send(self, *frames: ServerFrame) -> None:
        assert self._connection
        for frame in frames:
            await self._connection.send(encode(frame), text=True)

    def _welcome(self) -> Welcome:
        channels = [ChannelEntry(each, each.title()) for each in self._channels]
        return Welcome("e", "Bench", channels, Webhooks(report=True, profile=True), [], Limits())

    def _opening(self) -> Sequence[ServerFrame]:
        who = Who([WhoEntry(name, 1) for name in [*self._names, "me"]])
        echo = [self._message() for _ in range(ECHO)]
        last = {each.channel: each.msg_id for each in echo}
        places = [PlaceEntry(each, last.get(each, 0), last.get(each, 0)) for each in self._channels]
        return Me("me", op=False), who, Echo(echo), Places(places)

    def _message(self) -> Message:
        channel, name = self._chance.choice(self._channels), self._chance.choice(self._names)
        if self.kind.channels <= FEW_CHANNELS:
            channel = self._channels[0]
        text = " ".join(self._chance.choices(WORDS, k=self._chance.randint(3, 25)))
        return Message(channel, name, text, next(self._numbers), datetime.now(UTC))

    def _arrival(self) -> Presence:
        """Return the arrival of a guest, whose name sorts at a random place among the others."""
        name = f"person{self._chance.randrange(self.kind.people):04} guest {next(self._guests)}"
        return Presence(name, "has joined the room!", WhoEntry(name, 1))

    # Events in the room, and input.

    async def say(self, number: int, rate: float) -> None:
        """Send this number of messages, at this rate a second."""
        await self._repeat(self._message, number, rate)

    async def arrive(self, number: int, rate: float) -> None:
        """Announce this number of arrivals, at this rate a second."""
        await self._repeat(self._arrival, number, rate)

    async def _repeat(self, make: Callable[[], ServerFrame], number: int, rate: float) -> None:
        begin = time.monotonic()
        for at in range(1, number + 1):
            await self._send(make())
            await asyncio.sleep(max(0, begin + at / rate - time.monotonic()))

    def write(self, text: str) -> None:
        """Press keys."""
        os.write(self._terminal, text.encode())

    async def key(self, letter: str, seconds: float) -> float:
        """Type a letter that is not on the screen; return the milliseconds until it is drawn."""
        self.output.clear()
        sought, begin = letter.encode(), time.perf_counter()
        self.write(letter)
        async with asyncio.timeout(seconds):
            while sought not in self.output:
                self._came.clear()
                await self._came.wait()
        return (time.perf_counter() - begin) * 1000

    @property
    def cpu(self) -> float:
        """Return the CPU seconds of all threads of the client."""
        assert self._process
        return Side(self.kind.name, self._process.pid, 0).cpu

    @property
    def pid(self) -> int:
        """Return the process ID of the client."""
        return self._process.pid if self._process else 0


FEW_CHANNELS = 2
"""Up to this number of channels, all messages are in the first one; otherwise, each is in a random one."""
