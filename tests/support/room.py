"""A dispatcher without sockets: frames go in, and what each session receives is recorded."""

import asyncio

from server.handlers import elsewhere
from server.handlers.dispatch import Dispatcher
from server.handlers.live import Live
from server.handlers.table import HANDLERS
from server.ops.metrics import Traffic
from server.pacing.limiter import Limiter
from server.protocol.codec import encode
from server.protocol.frames import Frame, Limits, Login, Webhooks, Welcome
from server.room.hub import Hub
from server.room.presence import Attendance
from server.room.session import Session
from server.room.shared_presence import SharedAttendance
from server.settings import PublicChannel, RoomLimits
from server.storage.broker import Broker
from server.storage.database import Database
from server.storage.people import People
from server.websocket.handler import ConnectionPolicy
from tests.support.recording_outlet import RecordingOutlet

WELCOME = Welcome("e", "Room", [], Webhooks(report=False, profile=False), [], Limits())
UNLIMITED = RoomLimits(messages_per_second=0, pages_per_second=0, stored_kilobytes_per_day=0)
CHANNELS = [PublicChannel("lobby", "Lobby"), PublicChannel("tea", "Tea"), PublicChannel("quiet", "Quiet", (), 0)]


def dispatcher_over(broker: Broker, database: Database, limits: RoomLimits = UNLIMITED) -> Dispatcher:
    """Return a dispatcher over this database, without webhooks."""
    people = People(database)
    hub = Hub(people.relations, Traffic())
    dispatcher = Dispatcher(
        handlers=HANDLERS,
        live=Live(welcome=WELCOME, channels=CHANNELS, policy=ConnectionPolicy()),
        broker=broker,
        people=people,
        hub=hub,
        presence=SharedAttendance(database, people, hub) if database.node else Attendance(people),
        limiter=Limiter(limits),
    )
    elsewhere.listen(database, dispatcher)
    return dispatcher


def receive(dispatcher: Dispatcher, session: Session, frame: Frame) -> None:
    """Dispatch a frame as if it arrived over the session's connection."""
    dispatcher.on_message(session, encode(frame))


async def settle(dispatcher: Dispatcher) -> None:
    """Wait for the running tasks of the dispatcher."""
    async with asyncio.timeout(10):
        while dispatcher.tasks:
            await asyncio.wait(dispatcher.tasks)


async def enter(dispatcher: Dispatcher, name: str, token: str | None = None) -> tuple[Session, RecordingOutlet]:
    """Log in, and wait until everything missed has been sent."""
    outlet = RecordingOutlet()
    session = Session(outlet)
    receive(dispatcher, session, Login(name, token))
    await settle(dispatcher)
    return session, outlet
