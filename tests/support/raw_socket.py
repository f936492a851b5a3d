"""A TCP connection that can send what no library would."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from websockets.frames import Frame, Opcode

from server.protocol.codec import encode
from server.protocol.frames import Frame as ChatFrame

WAIT_SECONDS = 20.0

UPGRADE = (
    "Host: room",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


def request(line: str, headers: Sequence[str] = ("Host: localhost",), body: bytes = b"") -> bytes:
    """Return a request with this first line (without the version)."""
    return "\r\n".join([f"{line} HTTP/1.1", *headers, "", ""]).encode("latin-1") + body


def wire(frame: ChatFrame) -> bytes:
    """Return a frame as a client encodes it in a websocket message."""
    return Frame(Opcode.TEXT, encode(frame)).serialize(mask=True)


class RawSocket:
    """Reads and writes bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Write bytes; a peer that no longer reads is not an error here."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return

    async def until(self, mark: bytes) -> bytes:
        """Read up to and including these bytes."""
        async with asyncio.timeout(WAIT_SECONDS):
            return await self._reader.readuntil(mark)

    async def much(self, mark: bytes) -> bytes:
        """Read any amount, at least up to these bytes, as fast as possible."""
        came = bytearray()
        while came.find(mark, max(0, len(came) - 65536 - len(mark))) < 0:
            async with asyncio.timeout(WAIT_SECONDS):
                data = await self._reader.read(65536)
            assert data, "the other side ended"
            came += data
        return bytes(came)

    async def rest(self) -> bytes:
        """Read until the other side ends."""
        rest = bytearray()
        async with asyncio.timeout(WAIT_SECONDS):
            try:
                while data := await self._reader.read(65536):
                    rest += data
            except ConnectionError:
                pass
        return bytes(rest)

    async def answer(self, data: bytes) -> tuple[int, bytes]:
        """Send a request; return the status of the answer (0: none), and all bytes received."""
        await self.send(data)
        came = await self.rest()
        return int(came.split()[1]) if came.startswith(b"HTTP/1.1 ") else 0, came

    async def upgrade(self) -> None:
        """Open a websocket."""
        await self.send(request("GET /ws", UPGRADE))
        assert b" 101 " in await self.until(b"\r\n\r\n")


@asynccontextmanager
async def dialled(port: int) -> AsyncIterator[RawSocket]:
    """Yield a connection to a port of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield RawSocket(reader, writer)
    finally:
        writer.transport.abort()


async def refuses(port: int) -> bool:
    """Return whether a port of this machine refuses connections."""
    try:
        async with dialled(port):
            return False
    except OSError:
        return True
