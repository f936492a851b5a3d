"""Delay of the server's loop while people send 10,000 messages at once, and a check of the messages' order."""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from websockets.frames import Frame, Opcode

from bench.sides import HERE, SETTINGS, table
from bench.watched import Beat
from server.protocol.codec import decode_server, encode
from server.protocol.frames import Echo, Login, Message, Say, ServerFrame

MESSAGES = 10_000
GOAL_MILLISECONDS = 20
IDLE_SECONDS = 1.0
TEXT = "x" * 90
MARK = b'"msgID"'
HEADS = [
    "authors",
    "readers",
    "messages/s",
    "late ms, p99",
    "worst",
    "worst while idle",
    "own CPU ms, p99",
    "worst",
    "goal",
    "in order",
]
UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: room\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Burst(NamedTuple):
    """Result of a burst: messages a second, delay of the loop (ms), and whether the order was preserved."""

    speed: float
    late: Sequence[float]
    own: Sequence[float]
    """CPU time of the loop from one beat to the next (ms): its delay on an otherwise idle machine."""
    idle: Sequence[float]
    """Delay of the loop before the burst (ms), which the machine itself causes."""
    ordered: bool


class Peer:
    """One client, over a raw stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._reader = reader

    async def enter(self, name: str) -> None:
        """Complete the handshake, and log in."""
        self.writer.write(UPGRADE.encode())
        await self._reader.readuntil(b"\r\n\r\n")
        self.writer.write(wire(Login(name, dialect="flagpost")))
        while not isinstance(decode_server(await self.frame()), Echo):
            pass

    async def frame(self) -> bytes:
        """Return the payload of the next frame."""
        head = await self._reader.readexactly(2)
        more = {126: 2, 127: 8}.get(head[1], 0)
        return await self._reader.readexactly(int.from_bytes(await self._reader.readexactly(more)) if more else head[1])

    async def hear(self) -> bytes:
        """Return the bytes of all messages; they are parsed later, so that no client reads too slowly."""
        came, tail, count = [], b"", 0
        while count < MESSAGES:
            data = await self._reader.read(1 << 18)
            if not data:
                raise ConnectionError("the server disconnected a reader: this machine is too slow for the burst")
            count += (tail + data).count(MARK)
            tail = data[1 - len(MARK) :]
            came.append(data)
        return b"".join(came)


def wire(frame: Login | Say) -> bytes:
    """Return a frame as a client encodes it."""
    return Frame(Opcode.TEXT, encode(frame)).serialize(mask=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.burst", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--readers", type=int, default=10, help="clients that only read")
    options = parser.parse_args()
    rows = []
    for authors in (1, 50):
        bursts = [_burst(authors, options.readers) for _ in range(options.rounds)]
        late = sorted(delay for burst in bursts for delay in burst.late)
        own = sorted(spent for burst in bursts for spent in burst.own)
        rows.append(
            [
                str(authors),
                str(options.readers),
                f"{min(burst.speed for burst in bursts):.0f} to {max(burst.speed for burst in bursts):.0f}",
                f"{late[int(len(late) * 0.99)]:.1f}",
                f"{late[-1]:.1f}",
                f"{max(max(burst.idle, default=0) for burst in bursts):.1f}",
                f"{own[int(len(own) * 0.99)]:.1f}",
                f"{own[-1]:.1f}",
                str(GOAL_MILLISECONDS),
                "yes" if all(burst.ordered for burst in bursts) else "NO",
            ]
        )
    print(f"\n{MESSAGES} messages at once, {options.rounds} times\n\n{table(HEADS, rows)}", flush=True)


def _burst(authors: int, readers: int) -> Burst:
    with TemporaryDirectory() as name:
        settings = Path(name) / "settings.toml"
        settings.write_text(SETTINGS)
        server = subprocess.Popen(
            [sys.executable, "-m", "bench.watched", str(settings)], cwd=HERE.parent, stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout
            port = urlsplit(server.stdout.readline().strip()).port
            start, end, ordered = asyncio.run(_say_all(port or 0, authors, readers))
            server.terminate()
            beats = msgspec.json.decode(server.communicate()[0], type=list[Beat])
        finally:
            server.kill()
    idle = [beat.late * 1000 for beat in beats if start - IDLE_SECONDS < beat.at < start]
    during = [beat for beat in beats if start < beat.at < end + beat.late]
    own = [(beat.cpu - before.cpu) * 1000 for before, beat in pairwise(during)]
    return Burst(MESSAGES / (end - start), [beat.late * 1000 for beat in during], own, idle, ordered)


async def _say_all(port: int, authors: int, readers: int) -> tuple[float, float, bool]:
    """Send all messages at once; return the start and end (monotonic seconds), and whether the order was preserved."""
    peers = [Peer(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(authors + readers)]
    for number, peer in enumerate(peers):
        await peer.enter(f"user{number}")
    said = b"".join(wire(Say("lobby", f"{number} {TEXT}", str(number))) for number in range(MESSAGES // authors))
    await asyncio.sleep(IDLE_SECONDS)
    start = time.monotonic()
    for peer in peers[:authors]:
        peer.writer.write(said)
    heard = await asyncio.gather(*(peer.hear() for peer in peers))
    end = time.monotonic()
    for peer in peers:
        peer.writer.close()
    return start, end, all(_ordered(came) for came in (heard[0], heard[-1]))


def _ordered(came: bytes) -> bool:
    """Return whether the numbers increase by one, and each author's messages are in order."""
    messages = [frame for frame in _frames(came) if isinstance(frame, Message)]
    said: dict[str, list[int]] = {}
    for message in messages:
        said.setdefault(message.username, []).append(int(message.message.partition(" ")[0]))
    first = messages[0].msg_id
    return [message.msg_id for message in messages] == list(range(first, first + MESSAGES)) and all(
        numbers == list(range(len(numbers))) for numbers in said.values()
    )


def _frames(came: bytes) -> Iterator[ServerFrame]:
    at = 0
    while at < len(came):
        text = came[at] & 0x0F == Opcode.TEXT
        begin = at + {126: 4, 127: 10}.get(came[at + 1], 2)
        at = begin + (int.from_bytes(came[at + 2 : begin]) if begin > at + 2 else came[at + 1])
        if text:
            yield decode_server(came[begin:at])


if __name__ == "__main__":
    main()
