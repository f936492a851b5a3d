"""A small chat client on real sockets that stores frames until a test asks for them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.base import ClientExtensionFactory
from websockets.typing import Origin

from server.protocol.codec import decode_server, encode
from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    Echo,
    Error,
    Frame,
    Login,
    Me,
    Message,
    Ping,
    Pong,
    Presences,
    Say,
    ServerFrame,
    Since,
    Welcome,
    Who,
)

WAIT_SECONDS = 15.0

Kind = TypeVar("Kind", bound=Frame)


def says(text: str) -> Callable[[Message], bool]:
    """Return a predicate: the message has this text."""
    return lambda message: message.message == text


def confirms(nonce: str) -> Callable[[Message], bool]:
    """Return a predicate: the message confirms this nonce."""
    return lambda message: message.nonce == nonce


class ChatClient:
    """One connection that has received its `welcome`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[ServerFrame] = []
        """All received frames, in order."""
        self.echo = Echo()
        """The messages from before the login, once logged in."""
        self._unclaimed: list[ServerFrame] = []
        self._received: list[ServerFrame] = []
        """The rest of a frame of several changes of who is here."""
        self._nonces = count(1)

    async def send(self, frame: Frame) -> None:
        await self.socket.send(encode(frame), text=True)

    async def send_text(self, text: str) -> None:
        """Send a text that need not be a frame."""
        await self.socket.send(text)

    async def next(self, kind: type[Kind], match: Callable[[Kind], bool] = lambda _: True) -> Kind:
        """Return the first matching frame of this kind that no earlier call returned; other frames are stored."""
        for position, frame in enumerate(self._unclaimed):
            if isinstance(frame, kind) and match(frame):
                del self._unclaimed[position]
                return frame
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                frame = await self._receive()
                if isinstance(frame, kind) and match(frame):
                    return frame
                self._unclaimed.append(frame)

    async def login(self, name: str, token: str | None = None, since: Since | None = None) -> Me:
        """Log in; return the frame that grants the name. The echo may include messages sent until then."""
        return await self.login_by(Login(name, token, since, dialect="flagpost"))

    async def login_by(self, frame: Login) -> Me:
        """Log in with this frame."""
        await self.send(frame)
        granted = await self.next(Me)
        await self.next(Who)
        self.echo = await self.next(Echo)
        return granted

    async def say(self, channel: str, text: str) -> Message:
        """Send a message; return it as the server numbered it."""
        nonce = await self.say_only(channel, text)
        return await self.next(Message, confirms(nonce))

    async def say_only(self, channel: str, text: str) -> str:
        """Send a message without waiting; return its nonce."""
        nonce = self.nonce()
        await self.send(Say(channel, text, nonce))
        return nonce

    async def refusal(self, frame: Frame) -> Error:
        """Send a frame that must be refused; return the error."""
        await self.send(frame)
        return await self.next(Error, lambda error: error.code != ErrorCode.NOTICE)

    async def settled(self) -> list[ServerFrame]:
        """Return all frames so far, after the answer to a ping: everything the server sent before has arrived."""
        await self.send(Ping())
        await self.next(Pong)
        return list(self.seen)

    async def messages(self) -> list[Message]:
        """Return all messages so far that arrived as message frames, as `settled` does."""
        return [frame for frame in await self.settled() if isinstance(frame, Message)]

    async def closed(self) -> tuple[int, str]:
        """Receive until the server closes; return the close code (1006: aborted) and the reason."""
        async with asyncio.timeout(WAIT_SECONDS):
            try:
                while True:
                    self._unclaimed.append(await self._receive())
            except ConnectionClosed as error:
                return (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")

    def nonce(self) -> str:
        """Return a nonce that this client has not used."""
        return f"{id(self)}-{next(self._nonces)}"

    async def _receive(self) -> ServerFrame:
        if not self._received:
            frame = decode_server(await self.socket.recv(decode=False))
            self._received += frame.changes if isinstance(frame, Presences) else [frame]
        self.seen.append(self._received[0])
        return self._received.pop(0)


@asynccontextmanager
async def connected(
    url: str, origin: str | None = None, extensions: Sequence[ClientExtensionFactory] | None = None
) -> AsyncIterator[tuple[ChatClient, Welcome]]:
    """Yield a client that has received its welcome, and the welcome."""
    page = Origin(origin) if origin else None
    async with connect(
        url, origin=page, extensions=extensions, compression=None, proxy=None, max_size=None, max_queue=None
    ) as socket:
        client = ChatClient(socket)
        yield client, await client.next(Welcome)


@asynccontextmanager
async def entered(
    url: str, name: str, token: str | None = None, since: Since | None = None
) -> AsyncIterator[ChatClient]:
    """Yield a client that has logged in under this name."""
    async with connected(url) as (client, _):
        await client.login(name, token, since)
        yield client
