"""The server as it is, and besides its own watchdog one that looks at the loop each millisecond."""

import asyncio
import sys
import time
from functools import partial
from pathlib import Path

import msgspec

from server import app, process
from server.gateway import Listener, listen
from server.protocol.address import Address
from server.settings import Settings, load
from server.watchdog import Watchdog

PERIOD = 0.001


def main() -> None:
    """Print the address, serve by the settings of the first argument; at the end print when it was how late (s)."""
    settings = load(Path(sys.argv[1])).settings
    listener = listen(Address.parse("127.0.0.1:0"))
    process.end_by_signal()
    print(listener.websocket_url, flush=True)
    beats: list[tuple[float, float]] = []
    process.run(partial(_watched, settings, listener, beats))
    print(msgspec.json.encode(beats).decode(), flush=True)


async def _watched(settings: Settings, listener: Listener, beats: list[tuple[float, float]]) -> None:
    watchdog = Watchdog(lambda late: beats.append((time.monotonic(), late)), PERIOD)
    watching = asyncio.create_task(watchdog.run())
    await app.run(settings, listener)
    watching.cancel()


if __name__ == "__main__":
    main()
