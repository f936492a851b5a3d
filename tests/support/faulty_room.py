"""A busy room with faults at random points, and the conditions that must hold afterwards."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence, Set
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from server.protocol.frames import Message
from tests.support.chat_client import confirms, entered
from tests.support.database_file import Disk
from tests.support.faulty_member import Member, Stranger
from tests.support.faulty_proxy import Proxy
from tests.support.server_process import ServerProcess, write_settings
from tui.client.entries import Entry, Line, Notice
from tui.client.timeline import Timeline

NAMES = ("ada", "bob", "cleo")
CHANNELS = ("lobby", "tea")
PAUSE_SECONDS = 0.3
"""Maximum pause between two faults."""
SETTLE_SECONDS = 20.0
CROWD = 600
"""Messages sent while a person is away: more than the server sends at once."""


class Tear(StrEnum):
    """A kind of fault."""

    KILL = "kill -9 of the server"
    CUT = "cut"
    WITHIN = "cut within a frame"
    HALF_OPEN = "half-open"
    AWAY = "away for more than is sent at once"


DECK = [Tear.KILL] * 2 + [Tear.CUT] * 4 + [Tear.WITHIN] * 4 + [Tear.HALF_OPEN] * 4 + [Tear.AWAY]
"""One round of faults, shuffled; each is used before the next round."""


class Stored(NamedTuple):
    """A message as stored; `channel` is empty if it has a `peer`."""

    msg_id: int
    author: str
    channel: str
    peer: str
    text: str


class TornRoom:
    """Members and a stranger, each behind their own proxy, and a server that is killed and restarted."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.torn: Counter[Tear] = Counter()
        self.members: list[Member] = []
        self._chance = random.Random(seed)
        self._deck: list[Tear] = []
        self._settings = write_settings(directory)
        self._disk = Disk(self._settings.with_name("room.sqlite"))
        self._server = ServerProcess(self._settings)
        self._proxies = [Proxy(self._server.port) for _ in (*NAMES, "stranger")]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connect everyone until the end of the block."""
        async with AsyncExitStack() as stack:
            stack.callback(lambda: self._server.kill())
            for proxy in self._proxies:
                await stack.enter_async_context(proxy.serving())
            for name, proxy in zip(NAMES, self._proxies, strict=False):
                peers = [f"@{other}" for other in NAMES if other != name]
                self.members.append(Member(name, proxy.url, [*CHANNELS, *peers], self._chance))
            self.stranger = Stranger("stranger", self._proxies[-1].url, CHANNELS[0], self._chance)
            await stack.enter_async_context(running(*(member.live() for member in self.members)))
            await until(lambda: all(member.settled for member in self.members))
            yield

    async def tear(self, times: int) -> None:
        """Cause this many faults while everybody talks."""
        async with running(*(member.talk() for member in self.members), self.stranger.talk()):
            for _ in range(times):
                await asyncio.sleep(self._chance.uniform(0, PAUSE_SECONDS))
                self._deck = self._deck or self._chance.sample(DECK, len(DECK))
                tear = self._deck.pop()
                self.torn[tear] += 1
                await self._tear(tear, self._chance.choice(self._proxies))

    async def settle(self) -> None:
        """Stop all faults and wait until everybody has caught up; if they have not, `faults` says what is wrong."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                while self._behind():
                    await self.stranger.visit(0)

    def faults(self) -> list[str]:
        """Return the violated conditions of a settled room, one line each."""
        stored = self._stored()
        found = [f"stored twice: {text}" for text, count in Counter(each.text for each in stored).items() if count > 1]
        for member in self.members:
            found += member_faults(member, stored)
        return [*found, *stranger_faults(self.stranger, stored)]

    @property
    def messages(self) -> int:
        """Return the number of stored messages."""
        return len(self._stored())

    @property
    def gaps(self) -> int:
        """Return the number of gaps shown, over all members."""
        shown = [entry for each in self.members for entry in each.state.timelines[CHANNELS[0]].entries if is_gap(entry)]
        return len(shown) + len(self.stranger.gaps)

    def _behind(self) -> bool:
        return is_behind(self.members, self.stranger, self._stored())

    async def _tear(self, tear: Tear, proxy: Proxy) -> None:
        if tear is Tear.KILL:
            await self._kill()
        elif tear is Tear.CUT:
            proxy.cut()
        elif tear is Tear.WITHIN:
            proxy.cut_after(self._chance.randrange(1, 2000))
        elif tear is Tear.HALF_OPEN:
            proxy.freeze()
            await asyncio.sleep(self._chance.uniform(0, PAUSE_SECONDS))
            proxy.lose_frozen()
        else:
            await self._stay_away(proxy)

    async def _kill(self) -> None:
        self._server.kill()
        self._server = await asyncio.to_thread(ServerProcess, self._settings)
        for proxy in self._proxies:
            proxy.port = self._server.port

    async def _stay_away(self, proxy: Proxy) -> None:
        proxy.shut = True
        proxy.cut()
        async with entered(self._server.url, "crowd") as crowd:
            visit = self.torn[Tear.AWAY]
            nonces = [await crowd.say_only(CHANNELS[0], f"crowd {visit} {number}") for number in range(CROWD)]
            await crowd.next(Message, confirms(nonces[-1]))
        proxy.shut = False

    def _stored(self) -> list[Stored]:
        rows = self._disk.rows("SELECT id, author, channel, coalesce(peer, ''), text FROM message ORDER BY id")
        return [Stored(int(row[0] or 0), str(row[1]), str(row[2]), str(row[3]), str(row[4])) for row in rows]


def is_behind(members: Sequence[Member], stranger: Stranger, stored: Sequence[Stored]) -> bool:
    """Return whether a message is unconfirmed, or somebody who may read a stored message does not know it yet."""
    if stranger.waiting or not all(member.settled for member in members):
        return True
    known = {stranger.name: stranger.last, **{member.name: member.state.last_seen for member in members}}
    return any(_place(each, name) and each.msg_id > last for name, last in known.items() for each in stored)


def member_faults(member: Member, stored: Sequence[Stored]) -> list[str]:
    """Return the differences between what a client shows and what is stored."""
    found = [f"{member.name} was refused: {why}" for why in member.refused]
    for channel, timeline in member.state.timelines.items():
        readable = [each for each in stored if _place(each, member.name) == channel]
        found += [f"{member.name}, {channel}: {fault}" for fault in timeline_faults(timeline, readable)]
        own = [each.text for each in readable if each.author == member.name]
        if own != member.said[channel]:
            found.append(
                f"{member.name}, {channel}: said {len(member.said[channel])}, stored {len(own)} or not in order"
            )
    return found


def timeline_faults(timeline: Timeline, readable: Sequence[Stored]) -> list[str]:
    """Return messages that are missing without a visible gap, duplicated or out of order."""
    texts = {each.msg_id: (each.author, each.text) for each in readable}
    shown = [(entry.msg_id, entry.author, entry.text) for entry in timeline.entries if isinstance(entry, Line)]
    found = [f"{msg_id} is not stored so: {text}" for msg_id, *text in shown if texts.get(msg_id) != tuple(text)]
    found += [f"{after} stands behind {before}" for (before, *_), (after, *_) in pairwise(shown) if after <= before]
    expected = sorted(msg_id for msg_id in texts if shown and msg_id >= shown[0][0])
    known = {msg_id for msg_id, *_ in shown}
    return found + _missing(expected, known, _gaps(timeline.entries))


def stranger_faults(stranger: Stranger, stored: Sequence[Stored]) -> list[str]:
    """Return the same as `member_faults`, for raw frames."""
    found = [f"{msg_id} came again or late" for msg_id in stranger.disordered]
    own = [each.text for each in stored if each.author == stranger.name]
    if sorted(own) != sorted(stranger.said):
        found.append(f"said {len(stranger.said)}, stored {len(own)}")
    expected = [each.msg_id for each in stored if not each.peer and each.msg_id >= stranger.heard[0]]
    found += _missing(expected, set(stranger.heard), stranger.gaps)
    return [f"{stranger.name}: {fault}" for fault in found]


def _missing(expected: Sequence[int], known: Set[int], gaps: Set[int]) -> list[str]:
    """Return the missing numbers that do not directly follow a visible gap."""
    found: list[str] = []
    last = 0
    for msg_id in expected:
        if msg_id in known:
            last = msg_id
        elif last not in gaps:
            found.append(f"{msg_id} is missing after {last}, and no gap is shown")
    return found


def _gaps(entries: Sequence[Entry]) -> set[int]:
    """Return the numbers of the messages followed by a visible gap."""
    found: set[int] = set()
    last = 0
    for entry in entries:
        if isinstance(entry, Line):
            last = entry.msg_id
        elif is_gap(entry):
            found.add(last)
    return found


def is_gap(entry: Entry) -> bool:
    """Return whether this notice says that messages are missing here."""
    return isinstance(entry, Notice) and entry.gap


def _place(message: Stored, reader: str) -> str:
    """Return the channel in which a reader sees a message; empty if they may not."""
    if not message.peer:
        return message.channel
    if reader not in {message.author, message.peer}:
        return ""
    return f"@{message.peer if reader == message.author else message.author}"


@asynccontextmanager
async def running(*works: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run coroutines during the block; a failure ends it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def until(holds: Callable[[], bool], seconds: float = SETTLE_SECONDS) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)
