"""Both ends of an accepted connection: a handler that counts, and a transport that records."""

import asyncio

from server.pacing.limiter import Limiter
from server.room.session import Session
from server.settings import RoomLimits
from server.websocket.handler import ConnectionPolicy


class RefusalCounter:
    """Counts refusals."""

    policy = ConnectionPolicy(allowed_hosts={"localhost"})

    def __init__(self, bytes_per_second: int = 0) -> None:
        self.limiter = Limiter(RoomLimits(bytes_per_second=bytes_per_second))
        self.statuses: list[int] = []
        self.opened: list[str] = []

    def on_refused(self, status: int) -> None:
        self.statuses.append(status)

    def on_open(self, session: Session) -> None:
        """Record the rate-limit key of a completed handshake."""
        self.opened.append(session.address)

    def on_message(self, session: Session, data: bytes) -> None:
        """Do nothing."""

    def on_close(self, session: Session, code: int) -> None:
        """Do nothing."""


class Transport(asyncio.Transport):
    """Records what is written, and whether reading is paused."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.7", 4711)})
        self.written = b""
        self.reading = True
        self.ended = False
        self.protocol: asyncio.BaseProtocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing."""

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.ended = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
