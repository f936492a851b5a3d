"""A room without sockets: frames go in, and what each session is sent is kept."""

import asyncio

from server.handlers.dispatch import Live, Room
from server.handlers.table import HANDLERS
from server.ops.metrics import Traffic
from server.pacing.limiter import Limiter
from server.protocol.codec import encode
from server.protocol.frames import Frame, Limits, Login, Webhooks, Welcome
from server.room.hub import Hub
from server.room.session import Session
from server.settings import PublicChannel, RoomLimits
from server.storage.broker import LocalBroker
from server.storage.database import Database
from server.storage.people import Company
from server.websocket.connection import ConnectionPolicy
from tests.support.outlet import RecordingOutlet

WELCOME = Welcome("e", "Room", [], Webhooks(report=False, profile=False), [], Limits())
UNLIMITED = RoomLimits(messages_per_second=0, pages_per_second=0, stored_kilobytes_per_day=0)
CHANNELS = [PublicChannel("lobby", "Lobby"), PublicChannel("tea", "Tea"), PublicChannel("quiet", "Quiet", (), 0)]


def room_over(broker: LocalBroker, database: Database, limits: RoomLimits = UNLIMITED) -> Room:
    """A room over this database, without webhooks."""
    company = Company(database)
    hub = Hub(company.relations, Traffic())
    return Room(
        handlers=HANDLERS,
        live=Live(welcome=WELCOME, channels=CHANNELS, policy=ConnectionPolicy()),
        broker=broker,
        company=company,
        hub=hub,
        limiter=Limiter(limits),
    )


def receive(room: Room, session: Session, frame: Frame) -> None:
    """Let a frame come over the connection of a session."""
    room.received(session, encode(frame))


async def settle(room: Room) -> None:
    """Wait for what the room has under way."""
    async with asyncio.timeout(10):
        while room.tasks:
            await asyncio.wait(room.tasks)


async def enter(room: Room, name: str, token: str | None = None) -> tuple[Session, RecordingOutlet]:
    """Log in, and wait until what came before was sent."""
    outlet = RecordingOutlet()
    session = Session(outlet)
    receive(room, session, Login(name, token))
    await settle(room)
    return session, outlet
