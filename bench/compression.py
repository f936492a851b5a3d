"""Cost of a delivery when the server compresses, compared with the same server and clients without compression."""

import argparse
import asyncio
from contextlib import AsyncExitStack, ExitStack
from statistics import median

from websockets.asyncio.client import ClientConnection, connect

from bench.sides import LOGIN, Side, ours, table
from server.protocol.codec import encode
from server.protocol.frames import Say

GOAL = 1.3
SENTENCE = "The wind is north-east four, the tide turns at noon, and the small craft warning is lifted. "
"""Natural text; three repetitions have about the length of a long message."""


async def enter(side: Side, clients: int, stack: AsyncExitStack) -> list[ClientConnection]:
    """Connect and log in clients that request compression."""
    sockets = []
    for number in range(clients):
        url = f"ws://127.0.0.1:{side.port}/ws"
        opening = connect(url, compression="deflate", proxy=None, max_queue=None, ping_interval=None)
        sockets.append(await stack.enter_async_context(opening))
        await sockets[-1].send(LOGIN % number)
    for socket in sockets:
        while not str(await socket.recv()).startswith('{"action":"echo"'):
            pass
    return sockets


async def talk(sockets: list[ClientConnection], messages: int) -> None:
    """Send messages, each after every client has received the one before."""
    for number in range(messages):
        text = f"{number} {SENTENCE * (number % 3 + 1)}"
        await sockets[0].send(encode(Say("lobby", text, f"{id(sockets)}-{number}")), text=True)
        for socket in sockets:
            while not str(await socket.recv()).startswith('{"action":"message"'):
                pass


async def main(clients: int, messages: int, rounds: int) -> None:
    """Print the cost of each server, and the ratio."""
    costs: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as processes:
        sides = [processes.enter_context(ours(more)) for more in ("", "Compression = true\n")]
        for turn in range(rounds):
            for which in (turn % 2, 1 - turn % 2):
                async with AsyncExitStack() as stack:
                    sockets = await enter(sides[which], clients, stack)
                    assert len(sockets[0].protocol.extensions) == which
                    before = sides[which].cpu
                    await talk(sockets, messages)
                    costs[which].append((sides[which].cpu - before) / messages / clients * 1e6)
    ratio = median(on / off for off, on in zip(*costs, strict=True))
    rows = [["off", f"{median(costs[0]):.2f}", ""], ["on", f"{median(costs[1]):.2f}", f"{ratio:.2f}"]]
    print(table(["compression", f"us for each delivery to {clients} clients", f"x (goal {GOAL})"], rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.compression", description=__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    asyncio.run(main(options.clients, options.messages, options.rounds))
