"""The complete server, with a second watchdog that checks the loop every millisecond."""

import asyncio
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from server import app
from server.http.listening import Listener, listen
from server.ops import process
from server.ops.watchdog import LoopWatchdog
from server.protocol.address import Address
from server.settings import Settings, load

PERIOD = 0.001


class Beat(NamedTuple):
    """Time, delay, and CPU used by the loop's thread so far; all in seconds."""

    at: float
    late: float
    cpu: float


def main() -> None:
    """Print the address, serve with the settings of the first argument; at the end print the beats."""
    settings = load(Path(sys.argv[1])).settings
    listener = listen([Address.parse("127.0.0.1:0")])
    process.handle_signals()
    print(listener.websocket_url, flush=True)
    beats: list[Beat] = []
    process.run(partial(_watched, settings, listener, beats))
    print(msgspec.json.encode(beats).decode(), flush=True)


async def _watched(settings: Settings, listener: Listener, beats: list[Beat]) -> None:
    watchdog = LoopWatchdog(lambda late: beats.append(Beat(time.monotonic(), late, time.thread_time())), PERIOD)
    watching = asyncio.create_task(watchdog.run())
    await app.run(settings, listener)
    watching.cancel()


if __name__ == "__main__":
    main()
