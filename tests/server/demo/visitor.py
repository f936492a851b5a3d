"""A visitor of the demo: a process to visit, and a websocket into it."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar

from websockets.asyncio.client import ClientConnection, connect

from server.protocol.codec import decode_server, encode
from server.protocol.frames import Echo, Frame, Login, Me, Message, Presence, ServerFrame, Who

PATIENCE_SECONDS = 15

Kind = TypeVar("Kind", bound=Frame)


ANYWHERE = ("--address", "127.0.0.1:0", "--site", "127.0.0.1:0")


class Demo(NamedTuple):
    """A running demo, and where it said that it is."""

    process: Process
    room: str
    inbox: str


class Visitor:
    """Somebody in the room, and everything that they have seen there."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.name = ""
        self.people: set[str] = set()
        self.messages: list[Message] = []
        self.others: list[ServerFrame] = []

    async def send(self, frame: Frame) -> None:
        await self._connection.send(encode(frame), text=True)

    async def message(self, author: str, part: str, *, channel: str = "lobby") -> Message:
        """The first message of this author with this text in it, once it is there."""
        while True:
            for message in self.messages:
                if (message.username, message.channel) == (author, channel) and part in message.message:
                    return message
            await self.read()

    async def frame(self, kind: type[Kind]) -> Kind:
        """The next frame of a kind that is neither a message nor about who is there."""
        while True:
            for frame in self.others:
                if isinstance(frame, kind):
                    self.others.remove(frame)
                    return frame
            await self.read()

    async def read(self) -> None:
        frame = decode_server(await self._connection.recv(decode=False))
        match frame:
            case Me():
                self.name = frame.username
            case Who():
                self.people |= {entry.username for entry in frame.who_list}
            case Presence() if frame.who:
                self.people.add(frame.username)
            case Echo():
                self.messages += frame.messages
            case Message():
                self.messages.append(frame)
            case _:
                self.others.append(frame)


@asynccontextmanager
async def visit(url: str, name: str) -> AsyncIterator[Visitor]:
    """Enter the room; whoever waits too long for something there fails."""
    async with asyncio.timeout(PATIENCE_SECONDS), connect(url, proxy=None) as connection:
        visitor = Visitor(connection)
        await visitor.send(Login(name))
        yield visitor


async def start(*options: str) -> Process:
    """`python -m server.demo` with these options."""
    command = (sys.executable, "-m", "server.demo", *options)
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[Demo]:
    """A demo that listens; ended at the end, if it is still there."""
    process = await start(*options)
    try:
        room = await _line(process, "Chat room: ")
        yield Demo(process, room, await _line(process, "Report inbox: "))
    finally:
        if process.returncode is None:
            process.terminate()
        await ended(process)


async def ended(process: Process) -> tuple[int | None, str, str]:
    """The exit code and what else the process had to say, once it has ended."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    return process.returncode, output.decode(), errors.decode()


async def _line(process: Process, beginning: str) -> str:
    assert process.stdout
    async with asyncio.timeout(PATIENCE_SECONDS):
        line = (await process.stdout.readline()).decode()
    assert line.startswith(beginning), line
    return line.removeprefix(beginning).rstrip("\n")
