"""A TCP proxy on loopback that cuts its connections, or stops to forward without a word."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

CHUNK_BYTES = 65536


@dataclass(eq=False)
class _Link:
    """A connection of a client, and the one to the server that belongs to it."""

    client: StreamWriter
    server: StreamWriter
    frozen: bool = False
    """What comes is swallowed, also that a side has ended."""
    left: int | None = None
    """Bytes that still go to the client before all is cut; None: as many as come."""

    def cut(self) -> None:
        for side in (self.client, self.server):
            side.transport.abort()


class Proxy:
    """Forwards each connection to `port`, which may change; what breaks concerns the connections that are open then."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = ""
        self.shut = False
        """Nobody comes through meanwhile."""
        self._links: set[_Link] = set()
        self._forwarding: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen until the end of the block."""
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
        try:
            yield
        finally:
            server.close()
            while self._forwarding:
                self.cut()
                await asyncio.wait(self._forwarding, timeout=0.1)
            await server.wait_closed()

    def cut(self) -> None:
        """Both sides of every connection are gone at once."""
        for link in self._links:
            link.cut()

    def cut_after(self, count: int) -> None:
        """As `cut`, once so many more bytes went to the client: most often within a frame."""
        for link in self._links:
            link.left = count

    def freeze(self) -> None:
        """Nothing more is forwarded on the connections that are open; they stay open."""
        for link in self._links:
            link.frozen = True

    def lose_frozen(self) -> None:
        """Clients see their frozen connections end; the server still believes in them."""
        for link in self._links:
            if link.frozen:
                link.client.transport.abort()

    def _accepted(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(self._accept(reader, writer))
        self._forwarding.add(task)
        task.add_done_callback(self._forwarding.discard)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            if self.shut:
                raise ConnectionRefusedError
            from_server, server = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server)
        self._links.add(link)
        await asyncio.gather(self._forward(link, reader, server), self._forward(link, from_server, writer))
        link.cut()
        self._links.discard(link)

    async def _forward(self, link: _Link, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK_BYTES):
                if link.frozen:
                    continue
                if writer is link.client and link.left is not None:
                    data, link.left = data[: link.left], max(0, link.left - len(data))
                writer.write(data)
                if link.left == 0:
                    link.frozen = True
                    link.client.close()
                    link.server.transport.abort()
                else:
                    await writer.drain()
        if not link.frozen:
            writer.close()
