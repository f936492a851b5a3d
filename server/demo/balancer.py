"""Leads each connection to a node that runs, as a proxy in front of several nodes does."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from contextlib import suppress

from server.http.listening import Listener
from server.protocol.address import Address

CHUNK_BYTES = 65_536


class Balancer:
    """Takes the nodes in turn, and the next one if a node cannot be reached."""

    def __init__(self) -> None:
        self.nodes: Sequence[Address] = ()
        self._first = 0

    async def serve(self, listener: Listener) -> None:
        """Lead connections to the nodes until cancelled."""
        servers = [await asyncio.start_server(self._lead, sock=sock) for sock in listener.sockets]
        await asyncio.gather(*(server.serve_forever() for server in servers))

    async def _lead(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._first += 1
        for number in range(len(self.nodes)):
            address = self.nodes[(self._first + number) % len(self.nodes)]
            with suppress(OSError):
                from_node, to_node = await asyncio.open_connection(*address)
                await _join(reader, to_node, from_node, writer)
                return
        writer.transport.abort()


async def _join(client: StreamReader, to_node: StreamWriter, node: StreamReader, to_client: StreamWriter) -> None:
    """Forward both directions until one of them ends."""
    directions = [asyncio.ensure_future(_forward(client, to_node)), asyncio.ensure_future(_forward(node, to_client))]
    try:
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for direction in directions:
            direction.cancel()
        to_node.close()
        to_client.close()


async def _forward(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
