"""Forwards each connection to a running node, as a proxy in front of several nodes does."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from contextlib import suppress

from server.http.listening import Listener
from server.protocol.address import Address

CHUNK_BYTES = 65_536
REPEATABLE = b"GET "
"""The beginning of a request that a second node may receive again, such as a websocket handshake."""
KEPT_BYTES = 65_536
"""A longer request is sent to one node only."""


class Balancer:
    """Uses the nodes in turn; tries the next one if a node cannot be reached or dies before it answers."""

    def __init__(self) -> None:
        self.nodes: Sequence[Address] = ()
        self._first = 0

    async def serve(self, listener: Listener) -> None:
        """Forward connections to the nodes until cancelled."""
        servers = [await asyncio.start_server(self._forward, sock=sock) for sock in listener.sockets]
        await asyncio.gather(*(server.serve_forever() for server in servers))

    async def _forward(self, reader: StreamReader, writer: StreamWriter) -> None:
        exchange = _Exchange(reader, writer)
        try:
            # Computed once, because connections that arrive meanwhile change whose turn it is.
            for address in self._in_turn():
                with suppress(OSError):
                    await exchange.run(*await asyncio.open_connection(*address))
                if not exchange.repeatable:
                    return
            writer.transport.abort()
        finally:
            writer.close()

    def _in_turn(self) -> Sequence[Address]:
        """Return all nodes, beginning with the one whose turn it is."""
        self._first = (self._first + 1) % max(len(self.nodes), 1)
        return (*self.nodes[self._first :], *self.nodes[: self._first])


class _Exchange:
    """A client's connection, and what it has sent, for as long as another node may still answer it."""

    def __init__(self, client: StreamReader, to_client: StreamWriter) -> None:
        self._client = client
        self._to_client = to_client
        self._sent = b""
        self._answered = False

    @property
    def repeatable(self) -> bool:
        """Return whether another node may take over: none has answered, and repeating the request is harmless."""
        connected = not self._client.at_eof() and not self._to_client.is_closing()
        harmless = not self._sent or (self._sent.startswith(REPEATABLE) and len(self._sent) < KEPT_BYTES)
        return connected and harmless and not self._answered

    async def run(self, node: StreamReader, to_node: StreamWriter) -> None:
        """Forward data in both directions until one of them ends."""
        to_node.write(self._sent)
        directions = [asyncio.ensure_future(self._ask(to_node)), asyncio.ensure_future(self._answer(node))]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            to_node.close()
            await asyncio.gather(*directions, return_exceptions=True)

    async def _ask(self, to_node: StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await self._client.read(CHUNK_BYTES):
                if not self._answered and len(self._sent) < KEPT_BYTES:
                    self._sent += data
                to_node.write(data)
                await to_node.drain()

    async def _answer(self, node: StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await node.read(CHUNK_BYTES):
                self._answered = True
                self._to_client.write(data)
                await self._to_client.drain()
