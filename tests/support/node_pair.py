"""Two servers that share a room, in one process and on one SQLite file: each receives the events of both, as JSON."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.handlers import isolation
from server.handlers.dispatch import Dispatcher
from server.protocol.frames import Frame, Login, Me, Presence, Who
from server.room.session import Session
from server.rules.messages import MessageDraft
from server.settings import Settings
from server.settings.digests import digests
from server.storage import messages
from server.storage.base import Published, StorageError
from server.storage.database import NodeHealth
from server.storage.direct_broker import DirectBroker
from server.storage.events import KINDS, Event, body_of, event_of
from server.storage.fair import SERVER, QueueKey
from server.storage.journal import Journal
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import dispatcher_over, receive

Result = TypeVar("Result")
Kind = TypeVar("Kind", bound=Frame)

DEFAULTS = Settings()
TABLES = (
    "CREATE TABLE room (names_changed INTEGER NOT NULL DEFAULT 0)",
    "INSERT INTO room DEFAULT VALUES",
    "CREATE TABLE node (id TEXT PRIMARY KEY, beat INTEGER NOT NULL, names_changed INTEGER NOT NULL DEFAULT 0,"
    " settings TEXT NOT NULL DEFAULT '')",
    "CREATE TABLE presence (key TEXT PRIMARY KEY, name TEXT NOT NULL, identity TEXT NOT NULL, node TEXT NOT NULL,"
    " session INTEGER NOT NULL, number INTEGER NOT NULL, rank INTEGER NOT NULL, member INTEGER NOT NULL,"
    " entry TEXT NOT NULL)",
)
"""The tables of PostgreSQL that a room of one server does not have."""


class NodeRemovedError(StorageError):
    """The other servers have removed this one."""


class NodeDatabase:
    """A Database of one of the servers; what it hears and its answers can be held back."""

    def __init__(self, shared: SqliteDatabase, node: str) -> None:
        self.node = node
        self.lost: Callable[[], None] = lambda: None
        self.room = shared.room
        self.now = shared.now
        self.announce_aside = shared.announce_aside
        self._shared = shared
        self._journal = Journal()
        self._held: deque[Callable[[], None]] | None = None
        self._is_lost = False
        self.hear = self._journal.hear
        for kind in KINDS.values():
            shared.hear(kind, self._receive)

    def write(self, work: Callable[[SqlConnection], Result]) -> "asyncio.Future[Result]":
        """See Database."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        def written(done: "asyncio.Future[Result]") -> None:
            self._pass_on(partial(self._answer, answer, done))

        self._shared.write(partial(self._beat, work)).add_done_callback(written)
        return answer

    def write_soon(self, work: Callable[[SqlConnection], Result]) -> "asyncio.Future[Result]":
        """See Database."""
        return self.write(work)

    def publish(self, draft: MessageDraft) -> "asyncio.Future[Published]":
        """See Database."""
        return self.write(partial(messages.publish, draft))

    def write_aside(self, work: Callable[[SqlConnection], Result]) -> None:
        """See Database."""
        self.write(work).add_done_callback(lambda done: done.exception())

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        return await self._shared.read(work, key)

    def health(self) -> NodeHealth | None:
        """See Database."""
        return None

    async def close(self) -> None:
        """See Database."""

    def hold(self) -> None:
        """Hold back everything that this server hears, until `release`."""
        if self._held is None:
            self._held = deque()

    def release(self) -> None:
        """Hear everything that was held back."""
        held, self._held = self._held or (), None
        for hear in held:
            hear()

    def _beat(self, work: Callable[[SqlConnection], Result], connection: SqlConnection) -> Result:
        if not connection.execute("UPDATE node SET beat = ? WHERE id = ?", (connection.now, self.node)).rowcount:
            raise NodeRemovedError("the other servers have removed this one")
        return work(connection)

    def _answer(self, answer: "asyncio.Future[Result]", done: "asyncio.Future[Result]") -> None:
        error = done.exception()
        if isinstance(error, NodeRemovedError) and not self._is_lost:
            self._is_lost = True
            self.lost()
        if not answer.cancelled():
            answer.set_exception(error) if error else answer.set_result(done.result())

    def _receive(self, events: Sequence[Event]) -> None:
        self._pass_on(partial(self._journal.pass_on, [_copy(event) for event in events]))

    def _pass_on(self, hear: Callable[[], None]) -> None:
        if self._held is None:
            hear()
        else:
            self._held.append(hear)


class Node:
    """A server without sockets."""

    def __init__(self, database: NodeDatabase) -> None:
        self.database = database
        self.dispatcher: Dispatcher = dispatcher_over(DirectBroker(database), database)
        database.lost = partial(isolation.fence, self.dispatcher)

    async def enter(self, name: str, token: str = "") -> "Guest":
        """Log a guest in, and wait until everything missed has been sent."""
        guest = self.connect()
        guest.send(Login(name, token or f"the secret token of {name}"))
        await guest.in_room()
        return guest

    def connect(self) -> "Guest":
        """Return somebody who has not logged in yet."""
        return Guest(self)


class Guest:
    """A connection, and what it received."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.outlet = RecordingOutlet()
        self.session = Session(self.outlet)

    def send(self, frame: Frame) -> None:
        """Send a frame."""
        receive(self._node.dispatcher, self.session, frame)

    @property
    def name(self) -> str:
        """Return the name that was granted."""
        return self.of(Me)[-1].username

    @property
    def listed(self) -> list[str]:
        """Return the names in the who list that was received."""
        return sorted(entry.username for frame in self.of(Who) for entry in frame.who_list)

    def changes(self, name: str) -> list[str]:
        """Return the presence changes of a person that were received."""
        return [each.message for each in self.of(Presence) if each.username == name and each.message]

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the frames of a kind that were received."""
        return [each for each in self.outlet.frames if isinstance(each, kind)]

    def hang_up(self, code: int = 1000) -> None:
        """Close the connection from the client's side."""
        self._node.dispatcher.on_close(self.session, code)

    async def in_room(self) -> None:
        """Wait until everything missed has been sent."""
        await until(lambda: self.session.caught_up)

    async def receives(self, frame: Frame) -> None:
        """Wait for a frame."""
        await until(lambda: frame in self.outlet.frames)

    async def sees(self, name: str, *changes: str) -> None:
        """Wait until exactly these presence changes of a person were received."""
        await until(lambda: self.changes(name) == [*changes])


class Shared:
    """A database that servers share, and its clock."""

    def __init__(self, path: Path) -> None:
        self.later = timedelta()
        """By how much the time of the database is ahead."""
        self._shared = SqliteDatabase(str(path), clock=lambda: datetime.now(UTC) + self.later)
        self.write = self._shared.write
        self.close = self._shared.close

    async def committed(self) -> None:
        """Wait until everything that servers have written so far is committed."""
        await self._shared.write(lambda _: None)

    async def open_node(self, name: str, settings: Settings = DEFAULTS) -> Node:
        """Start a server."""
        values = name, self._shared.now()
        await self._shared.write(lambda sql: sql.execute("INSERT INTO node (id, beat) VALUES (?, ?)", values))
        node = Node(NodeDatabase(self._shared, name))
        await node.dispatcher.people.load()
        await node.dispatcher.presence.open(digests(settings))
        return node


@asynccontextmanager
async def shared_room(path: Path) -> AsyncIterator[Shared]:
    """Create a database for several servers; close it at the end."""
    shared = Shared(path)
    await shared.write(lambda sql: [sql.execute(each) for each in TABLES])
    yield shared
    await shared.close()


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until a condition holds."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


def _copy(event: Event) -> Event:
    """Return an event as it arrives at another server."""
    return event_of(type(event).__name__, body_of(event))
