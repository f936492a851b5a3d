"""A busy room on two nodes and two databases, of which one after another fails, and what must hold afterwards.

Each node reaches each database by a proxy of its own, and people reach the nodes by the demo's balancer.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg

from server.demo.balancer import Balancer
from server.demo.nodes import NodeProcess
from server.demo.postgres_process import USER
from server.http.listening import listen
from server.protocol.address import Address
from server.protocol.codes import ErrorCode
from server.protocol.frames import Error, Message
from tests.support.faulty_member import Member, Stranger
from tests.support.faulty_proxy import Proxy
from tests.support.faulty_room import Stored, is_behind, member_faults, running, stranger_faults, until
from tests.support.postgres_pair import PostgresPair
from tests.support.server_process import Channel, write_settings
from tui.net.client_session import ClientSession
from tui.net.server_connection import Event, Received

NODES = 2
NAMES = ("ada", "bob", "cleo", "dora")
CHANNELS = ("lobby", "tea")
PAUSE_SECONDS = (0.2, 0.8)
STOP_SECONDS = (1.0, 4.0, 9.0, 12.0)
"""A node counts as gone after 8 seconds."""
FAILOVER_SECONDS = 0.5
"""Until somebody has noticed that the primary is dead, and promotes the standby."""
BACK_SECONDS = 60.0
LOG_LINES = 5


class Fault(StrEnum):
    """What fails."""

    KILL = "node killed"
    CRASH = "database crashed"
    STOP = "node stopped"
    FAILOVER = "failover"
    PARTITION = "node cut off from the database"


class Outcome(NamedTuple):
    """What the room did while things failed; everything but `stored` and `errors` must be empty."""

    stored: int
    confirmed: int
    lost: Sequence[str]
    """Confirmed, and not stored."""
    faults: Sequence[str]
    """Duplicated, out of order, missing without a gap, or never confirmed."""
    ghosts: Sequence[str]
    """Differences between who is in the room and whom people see."""
    errors: Counter[str]


class Talker(Member):
    """A member whose client waits as a real one does, and which counts what is confirmed."""

    def __init__(self, name: str, url: str, channels: Sequence[str], chance: random.Random) -> None:
        super().__init__(name, url, channels, chance, ClientSession(name))
        self.confirmed: dict[int, str] = {}
        """The texts of confirmed messages by number."""
        self.heard = 0
        """The number of the last own message that was confirmed."""
        self.errors: Counter[str] = Counter()

    def on_event(self, event: Event) -> None:
        """See Member."""
        for frame in event.frames if isinstance(event, Received) else ():
            if isinstance(frame, Message) and frame.username == self.name and frame.nonce:
                self.confirmed[frame.msg_id] = frame.message
                self.heard = max(self.heard, int(frame.message.rpartition(" ")[2]))
            elif isinstance(frame, Error) and frame.code != ErrorCode.NOTICE:
                self.errors[frame.code] += 1
                self._forget(f"{self.name} {(frame.nonce or '').rpartition('-')[2]}")
        super().on_event(event)

    @property
    def written(self) -> int:
        """Return the number of messages so far."""
        return sum(map(len, self.said.values())) + self.errors.total()

    @property
    def described(self) -> str:
        """Return what is known about the connection, for the message of a test that fails."""
        return (
            f"{'online' if self._online else 'offline'}, {self.written} written, {self.heard} heard,"
            f" {len(self.state.unsent())} unsent, {self._session.failures} failed attempts, {dict(self.errors)}"
        )

    def _forget(self, text: str) -> None:
        """Note that a message was refused: it must not be stored."""
        for said in self.said.values():
            with suppress(ValueError):
                said.remove(text)


class FaultyCluster:
    """People who talk all the time, and the machinery that fails under them."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.back: dict[Fault, list[float]] = {fault: [] for fault in Fault}
        """Seconds from each fault until everybody's new messages were confirmed."""
        self.ended = 0
        """How often a node has ended by itself, and was started again."""
        self._directory = directory
        self._chance = random.Random(seed)
        self._databases = PostgresPair("max_connections=200")
        self._proxies: list[list[Proxy]] = []
        self._nodes: list[NodeProcess] = []
        self._balancer = Balancer()
        self._members: list[Talker] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Run everything until the end of the block."""
        async with AsyncExitStack() as stack:
            await asyncio.to_thread(self._databases.__enter__)
            stack.callback(self._databases.remove)
            before = os.environ.get("PGPASSWORD")
            os.environ["PGPASSWORD"] = self._databases.password
            stack.callback(lambda: os.environ.update(PGPASSWORD=before) if before else os.environ.pop("PGPASSWORD"))
            for number in range(NODES):
                self._nodes.append(await self._node(number, stack))
                stack.push_async_callback(self._nodes[-1].stop)
            self._balancer.nodes = [node.address for node in self._nodes]
            front = listen([Address("127.0.0.1", 0)])
            url = front.websocket_url
            works = [self._balancer.serve(front), *(node.watch(self._note_end) for node in self._nodes)]
            await stack.enter_async_context(running(*works))
            for name in NAMES:
                peers = [f"@{other}" for other in NAMES if other != name]
                self._members.append(Talker(name, url, [*CHANNELS, *peers], self._chance))
            self._stranger = Stranger("stranger", url, CHANNELS[0], self._chance)
            await stack.enter_async_context(running(*(member.live() for member in self._members)))
            await until(lambda: all(member.settled for member in self._members), BACK_SECONDS)
            yield

    async def suffer(self, faults: Mapping[Fault, int], tell: Callable[[str], None] = lambda _: None) -> None:
        """Cause each of these faults this many times, in a random order, while everybody talks."""
        deck = [fault for fault, times in faults.items() for _ in range(times)]
        self._chance.shuffle(deck)
        async with running(*(member.talk() for member in self._members), self._stranger.talk()):
            for number, fault in enumerate(deck, start=1):
                await asyncio.sleep(self._chance.uniform(*PAUSE_SECONDS))
                seconds = await self._suffer(fault)
                self.back[fault].append(seconds)
                tell(f"{number} of {len(deck)}: {fault}, back after {seconds:.2f} s")

    async def settle(self) -> Outcome:
        """Wait until everybody has caught up; return what became of the messages."""
        with suppress(TimeoutError):
            async with asyncio.timeout(BACK_SECONDS):
                while is_behind(self._members, self._stranger, await asyncio.to_thread(self._stored)):
                    await self._stranger.visit(0)
                await until(lambda: not self._ghosts(), BACK_SECONDS)
        stored = await asyncio.to_thread(self._stored)
        texts = {each.msg_id: each.text for each in stored}
        return Outcome(
            stored=len(stored),
            confirmed=sum(len(member.confirmed) for member in self._members),
            lost=[
                f"{member.name}: {number} {text}"
                for member in self._members
                for number, text in member.confirmed.items()
                if texts.get(number) != text
            ],
            faults=[*self._faults(stored)],
            ghosts=self._ghosts(),
            errors=sum((member.errors for member in self._members), Counter[str]()),
        )

    def _faults(self, stored: Sequence[Stored]) -> Sequence[str]:
        counted = Counter(each.text for each in stored)
        found = [f"stored twice: {text}" for text, times in counted.items() if times > 1]
        for member in self._members:
            member.refused.clear()
            found += member_faults(member, stored)
        return [*found, *stranger_faults(self._stranger, stored)]

    def _ghosts(self) -> list[str]:
        """Return a line for each member who sees others than those who are in the room."""
        seen = {member.name: sorted({*member.state.people} - {self._stranger.name}) for member in self._members}
        return [f"{name} sees {people}" for name, people in seen.items() if people != sorted(NAMES)]

    async def _suffer(self, fault: Fault) -> float:
        """Let something fail; return the seconds until everybody could write again, and wait until it is whole."""
        number, lives = self._chance.randrange(NODES), self.ended
        written = [member.written for member in self._members]
        begin = await self._break(fault, self._nodes[number], self._proxies[number])
        try:
            await until(lambda: not self._silent(written), BACK_SECONDS)
        except TimeoutError as error:
            raise AssertionError(f"{fault}: {BACK_SECONDS:g} s later:\n{self._described(written)}") from error
        seconds = time.monotonic() - begin
        if fault is Fault.KILL:
            await until(lambda: self.ended > lives, BACK_SECONDS)
        elif fault is Fault.FAILOVER:
            await asyncio.to_thread(self._databases.attach)
        return seconds

    def _silent(self, written: Sequence[int]) -> Sequence[Talker]:
        """Return the members of whose messages none after the first `written` was confirmed."""
        return [member for member, before in zip(self._members, written, strict=True) if member.heard <= before]

    def _described(self, written: Sequence[int]) -> str:
        """Return what is known about a room in which somebody cannot write: its silent members and its nodes."""
        silent = [f"{member.name} has no answer: {member.described}" for member in self._silent(written)]
        logs = [
            f"{node.name}, process {node.pid}: {log.read_text().splitlines()[-LOG_LINES:]}"
            for node, log in zip(self._nodes, sorted(self._directory.glob("node-*/server.log")), strict=True)
        ]
        return "\n".join((*silent, *logs))

    async def _break(self, fault: Fault, node: NodeProcess, proxies: Sequence[Proxy]) -> float:
        """Let something fail; return when the room could begin to work again."""
        if fault is Fault.KILL:
            await _send(signal.SIGKILL, node)
        elif fault is Fault.CRASH:
            await asyncio.to_thread(self._databases.primary.crash)
            await asyncio.to_thread(self._databases.primary.start)
        elif fault is Fault.FAILOVER:
            await asyncio.to_thread(self._databases.primary.crash)
            await asyncio.sleep(FAILOVER_SECONDS)
            await asyncio.to_thread(self._databases.promote)
        elif fault is Fault.STOP:
            process = await _send(signal.SIGSTOP, node)
            await asyncio.sleep(self._chance.choice(STOP_SECONDS))
            os.kill(process, signal.SIGCONT)
        else:
            for proxy in proxies:
                proxy.part()
            await asyncio.sleep(self._chance.choice(STOP_SECONDS))
            for proxy in proxies:
                proxy.join()
        return time.monotonic()

    async def _node(self, number: int, stack: AsyncExitStack) -> NodeProcess:
        """Start a node that reaches each database by a proxy."""
        proxies = [Proxy(each.port) for each in (self._databases.primary, self._databases.standby)]
        self._proxies.append(proxies)
        for proxy in proxies:
            await stack.enter_async_context(proxy.serving())
        ports = [urlsplit(proxy.url).port for proxy in proxies]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        url = f"postgresql://{USER}@{hosts}/postgres?target_session_attrs=read-write"
        directory = self._directory / f"node-{number}"
        directory.mkdir()
        settings = write_settings(directory, channels=[Channel(name) for name in CHANNELS], database=url)
        log = stack.enter_context((directory / "server.log").open("ab"))
        node = NodeProcess(f"Node {number + 1}", settings, log.fileno())
        await node.start()
        return node

    def _note_end(self, _: str) -> None:
        self.ended += 1

    def _stored(self) -> list[Stored]:
        with psycopg.connect(self._databases.primary.url) as connection:
            rows = connection.execute(
                "SELECT id, author, coalesce(channel, ''), coalesce(peer, ''), text FROM message ORDER BY id"
            ).fetchall()
        return [Stored(int(row[0]), str(row[1]), str(row[2]), str(row[3]), str(row[4])) for row in rows]


async def _send(number: signal.Signals, node: NodeProcess) -> int:
    """Send a signal to a node; return the process. A node that has ended by itself is awaited until its restart."""

    def sent() -> bool:
        with suppress(ProcessLookupError):
            os.kill(node.pid, number)
            return True
        return False

    await until(sent, BACK_SECONDS)
    return node.pid
