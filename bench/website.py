"""An unreliable website on loopback, which the benchmark can make reliable."""

import asyncio
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, Self

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
BAD = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BUSY = b"HTTP/1.1 503 Later\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"
NUMBERED = re.compile(r"no\. \d+")
"""The comment of a report in the benchmark."""
OUTCOMES = ["taken"] * 6 + ["500", "503", "closed unread", "closed without an answer", "broke off", "slow"]


def milliseconds() -> int:
    """Return the Unix time in milliseconds."""
    return int(time.time() * 1000)


class Taken(NamedTuple):
    """A request that the website accepted."""

    at: int
    """Time of the request in milliseconds."""
    life: int
    """Number of the server that sent the request, from the end of its webhook path."""
    answered: int | None
    """Time of the complete answer in milliseconds; None if the answer broke off."""


class Website:
    """Counts accepted requests by webhook-id; `asked` and `answered` are set at each request and answer."""

    def __init__(self, chance: random.Random) -> None:
        self.url = ""
        self.behaves = False
        self.taken: defaultdict[str, list[Taken]] = defaultdict(list)
        """By webhook-id."""
        self.heard: set[str] = set()
        """The numbered comments of all accepted reports."""
        self.killed: list[int] = []
        """When each server was killed, in milliseconds."""
        self.outcomes: Counter[str] = Counter()
        self.asked = asyncio.Event()
        self.answered = asyncio.Event()
        self._chance = chance

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        outcome = "taken" if self.behaves else self._chance.choice(OUTCOMES)
        self.outcomes[outcome] += 1
        if outcome == "closed unread":
            return
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(fields["content-length"]))
        self.asked.set()
        # A slow answer to a server that has been killed meanwhile still belongs to the time of the request.
        at, life = milliseconds(), int(head.split(" ", 2)[1].rpartition("/")[2])
        if outcome == "slow":
            await asyncio.sleep(self._chance.uniform(0.1, 1))
        if outcome in {"taken", "slow", "broke off"}:
            # A broken-off answer counts as accepted too: the server cannot know, and retries.
            self.taken[fields["webhook-id"]].append(Taken(at, life, None if outcome == "broke off" else milliseconds()))
            # A post can have the comments of several reporters.
            self.heard.update(NUMBERED.findall(json.loads(body)["Report"]["Comment"]))
        answers = {"taken": GOOD, "slow": GOOD, "500": BAD, "503": BUSY, "broke off": HALF}
        writer.write(answers.get(outcome, b""))
        await writer.drain()
        self.answered.set()
