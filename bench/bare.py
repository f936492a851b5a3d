"""The peer in the server's benchmarks: a `websockets` broadcast server on uvloop, written as in its documentation."""

from contextlib import suppress

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

_everyone: set[ServerConnection] = set()


async def _handle(connection: ServerConnection) -> None:
    _everyone.add(connection)
    with suppress(ConnectionClosed):
        async for message in connection:
            broadcast(_everyone, message)
    _everyone.discard(connection)


async def _main() -> None:
    async with serve(_handle, "127.0.0.1", 0, compression=None, backlog=4096) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main())
