"""A visitor of the demo: a process to visit, and a websocket to it."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from tempfile import TemporaryFile
from typing import IO, NamedTuple, TypeVar

from websockets.asyncio.client import ClientConnection, connect

from server.protocol.codec import decode_server, encode
from server.protocol.frames import Echo, Frame, Login, Me, Message, Presence, ServerFrame, Who
from tests.support.server_process import ROOT, start

PATIENCE_SECONDS = 15

Kind = TypeVar("Kind", bound=Frame)


ANYWHERE = ("--address", "127.0.0.1:0", "--site", "127.0.0.1:0")


class DemoProcess:
    """`python -m server.demo` as a process of its own."""

    def __init__(self, options: Sequence[str], errors: IO[str]) -> None:
        """`errors` is the file that becomes its standard error."""
        self._errors = errors
        self._process = start("server.demo", options, ROOT, errors.fileno())

    async def line(self) -> str:
        """Return the next line of its output, without the end; "" at the end of the output."""
        assert self._process.stdout
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await asyncio.to_thread(self._process.stdout.readline)).rstrip("\n")

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def close_input(self) -> None:
        """Close its standard input, as a parent does when it ends."""
        assert self._process.stdin
        self._process.stdin.close()

    async def ended(self) -> tuple[int, str, str]:
        """Wait for the end; return its exit code and remaining output."""
        assert self._process.stdout
        try:
            code = await asyncio.to_thread(self._process.wait, PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        self._errors.seek(0)
        return code, self._process.stdout.read(), self._errors.read()

    def close(self) -> None:
        """Kill it if it runs, and close its pipes."""
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()


class Demo(NamedTuple):
    """A running demo, and the addresses that it printed."""

    process: DemoProcess
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


@asynccontextmanager
async def started(*options: str) -> AsyncIterator[DemoProcess]:
    """Start `python -m server.demo` with these options; stop it at the end."""
    with TemporaryFile("w+", encoding="utf-8") as errors:
        process = DemoProcess(options, errors)
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            await process.ended()
        finally:
            process.close()


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[Demo]:
    """Start a demo, wait until it listens, and stop it at the end."""
    async with started(*options) as process:
        room = await _address(process, "Chat room: ")
        yield Demo(process, room, await _address(process, "Report inbox: "))


async def _address(process: DemoProcess, beginning: str) -> str:
    line = await process.line()
    assert line.startswith(beginning), line
    return line.removeprefix(beginning)
