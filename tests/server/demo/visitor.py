"""A visitor of the demo: a process to visit, and a websocket to it."""

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
    """A running demo, and the addresses that it printed."""

    process: Process
    room: str
    inbox: str


class Visitor:
    """A user in the room, and everything they have received."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.name = ""
        self.people: set[str] = set()
        self.messages: list[Message] = []
        self.others: list[ServerFrame] = []

    async def send(self, frame: Frame) -> None:
        await self._connection.send(encode(frame), text=True)

    async def message(self, author: str, part: str, *, channel: str = "lobby") -> Message:
        """Wait for the first message from this author with this text."""
        while True:
            for message in self.messages:
                if (message.username, message.channel) == (author, channel) and part in message.message:
                    return message
            await self.read()

    async def meet(self, people: set[str]) -> None:
        """Wait until all of these people are listed; changes of the list are gathered and may come after messages."""
        while not people <= self.people:
            await self.read()

    async def frame(self, kind: type[Kind]) -> Kind:
        """Wait for the next frame of a type that is neither a message nor about presence."""
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
    """Join the room; waiting too long for something there fails."""
    async with asyncio.timeout(PATIENCE_SECONDS), connect(url, proxy=None) as connection:
        visitor = Visitor(connection)
        await visitor.send(Login(name))
        yield visitor


async def start(*options: str) -> Process:
    """Start `python -m server.demo` with these options."""
    command = (sys.executable, "-m", "server.demo", *options)
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[Demo]:
    """Start a demo, wait until it listens, and stop it at the end."""
    process = await start(*options)
    try:
        room = await _line(process, "Chat room: ")
        yield Demo(process, room, await _line(process, "Report inbox: "))
    finally:
        if process.returncode is None:
            process.terminate()
        await ended(process)


async def ended(process: Process) -> tuple[int | None, str, str]:
    """Wait for the end of the process; return its exit code and remaining output."""
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
