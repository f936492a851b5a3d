"""A TCP proxy on loopback that cuts its connections, or silently stops forwarding."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

CHUNK_BYTES = 65536


@dataclass(eq=False)
class _Link:
    """A client's connection, and the matching one to the server."""

    client: StreamWriter
    server: StreamWriter
    frozen: bool = False
    """Discard all bytes, and ignore that a side has ended."""
    left: int | None = None
    """Bytes still to be forwarded to the client before the cut; None: no limit."""

    def cut(self) -> None:
        for side in (self.client, self.server):
            side.transport.abort()


class Proxy:
    """Forwards each connection to `port`, which may change; faults affect the connections open at that time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = ""
        self.shut = False
        """True while no connection is accepted."""
        self._parted = False
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
        """Cut both sides of every connection at once."""
        for link in self._links:
            link.cut()

    def cut_after(self, count: int) -> None:
        """Cut after this many more bytes to the client: usually within a frame."""
        for link in self._links:
            link.left = count

    def freeze(self) -> None:
        """Stop forwarding on the open connections, without closing them."""
        for link in self._links:
            link.frozen = True

    def lose_frozen(self) -> None:
        """Close the client's side of frozen connections; for the server they stay open."""
        for link in self._links:
            if link.frozen:
                link.client.transport.abort()

    def part(self) -> None:
        """Forward nothing and answer nobody, like a partitioned network."""
        self._parted = True
        self.freeze()

    def join(self) -> None:
        """Forward again; the connections from before are cut."""
        self._parted = False
        self.cut()

    def _accepted(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(self._accept(reader, writer))
        self._forwarding.add(task)
        task.add_done_callback(self._forwarding.discard)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self._parted:
            # Until the client gives up.
            with suppress(ConnectionError):
                await reader.read()
            writer.transport.abort()
            return
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
