"""When reading from a connection is paused, over a fake transport."""

import asyncio
import zlib
from collections.abc import Callable

import pytest
from uvicorn import Config
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from server.pacing.limiter import Limiter
from server.protocol.codes import CloseCode
from server.protocol.frames import Ping
from server.room.session import Session
from server.settings import RoomLimits
from server.websocket.connection import (
    FRAME_COST_BYTES,
    MAX_BACKLOG_BYTES,
    MAX_UNSENT_BYTES,
    WebsocketConnection,
    peer_of,
)
from server.websocket.handler import ConnectionPolicy
from tests.support.raw_socket import UPGRADE, request, wire


class Nobody:
    """A connection handler that ignores everything."""

    policy = ConnectionPolicy()
    limiter = Limiter(RoomLimits(bytes_per_second=1000))

    def on_refused(self, status: int) -> None:
        del status

    def on_open(self, session: Session) -> None:
        del session

    def on_message(self, session: Session, data: bytes) -> None:
        del session, data

    def on_close(self, session: Session, code: int) -> None:
        del session, code


class StillTransport(asyncio.Transport):
    """Discards what is written, and records when reading is paused and resumed."""

    def __init__(self, peername: object = ("192.0.2.7", 4711)) -> None:
        super().__init__({"peername": peername})
        self.reads: list[bool] = []
        self.closing = False
        self.aborted = False
        self.unsent = 0

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.aborted = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        del high, low

    def write(self, data: bytes | bytearray | memoryview) -> None:
        del data

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reads.append(False)

    def resume_reading(self) -> None:
        self.reads.append(True)


@pytest.fixture
def transport() -> StillTransport:
    return StillTransport()


@pytest.fixture
async def connection(transport: StillTransport) -> WebsocketConnection:
    """A new connection."""
    made = WebsocketConnection(Config("app", log_config=None), ServerState(), {"handler": Nobody()})
    made.connection_made(transport)
    return made


async def test_reading_resumes_only_after_every_pause_has_ended(
    connection: WebsocketConnection, transport: StillTransport
) -> None:
    connection.pause()
    connection.pause()
    connection.resume()
    assert transport.reads == [False]
    connection.resume()
    assert transport.reads == [False, True]


async def test_a_closing_transport_is_neither_paused_nor_resumed(
    connection: WebsocketConnection, transport: StillTransport
) -> None:
    connection.pause()
    transport.closing = True
    connection.resume()
    connection.pause()
    assert transport.reads == [False]


async def test_bytes_beyond_the_burst_pause_reading(connection: WebsocketConnection, transport: StillTransport) -> None:
    for _ in range(4):
        connection.data_received(b"x" * 1000)
    assert transport.reads == []
    connection.data_received(b"x" * 10)
    assert transport.reads == [False]
    async with asyncio.timeout(10):
        while transport.reads != [False, True]:
            await asyncio.sleep(0.005)


class Counting(Nobody):
    """A connection handler that counts frames."""

    limiter = Limiter(RoomLimits(bytes_per_second=0))
    frames = 0

    def on_message(self, session: Session, data: bytes) -> None:
        del session, data
        self.frames += 1


async def test_a_large_read_is_handled_over_several_loop_turns_unless_paused(
    transport: StillTransport,
) -> None:
    room = Counting()
    made = WebsocketConnection(Config("app", log_config=None), ServerState(), {"handler": room})
    made.connection_made(transport)
    made.data_received(request("GET /ws", UPGRADE))
    made.data_received(wire(Ping()) * 20_000)
    assert transport.reads == [False]
    await asyncio.sleep(0)
    assert 0 < room.frames < 20_000
    made.pause()
    taken = room.frames
    for _ in range(10):
        await asyncio.sleep(0)
    assert room.frames == taken
    made.resume()
    async with asyncio.timeout(10):
        while transport.reads[-1] is False:
            await asyncio.sleep(0)
    assert room.frames == 20_000


class Deflating(Counting):
    """A connection handler with compression that pauses a connection after its first message."""

    policy = ConnectionPolicy(compression=True)
    pause: Callable[[], None]

    def on_message(self, session: Session, data: bytes) -> None:
        super().on_message(session, data)
        if self.frames == 1:
            self.pause()


def deflated(text: bytes) -> bytes:
    """Return a compressed frame as a client sends it, with a mask of zeros."""
    deflate = zlib.compressobj(wbits=-12)
    data = (deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return b"\xc1\xfe" + len(data).to_bytes(2, "big") + bytes(4) + data


async def test_compressed_bytes_are_parsed_in_small_parts(transport: StillTransport) -> None:
    room = Deflating()
    made = WebsocketConnection(Config("app", log_config=None), ServerState(), {"handler": room})
    room.pause = made.pause
    made.connection_made(transport)
    made.data_received(request("GET /ws", [*UPGRADE, "Sec-WebSocket-Extensions: permessage-deflate"]))
    made.data_received(deflated(b" " * 60_000) * 100)
    async with asyncio.timeout(10):
        while not room.frames:
            await asyncio.sleep(0)
    assert 1 <= room.frames <= 20


async def test_compressed_frames_are_charged_by_their_uncompressed_size(transport: StillTransport) -> None:
    room = Nobody()
    room.policy = ConnectionPolicy(compression=True)
    made = WebsocketConnection(Config("app", log_config=None), ServerState(), {"handler": room})
    made.connection_made(transport)
    made.data_received(request("GET /ws", [*UPGRADE, "Sec-WebSocket-Extensions: permessage-deflate"]))
    made.data_received(deflated(b" " * 60_000))
    assert transport.reads == [False]


FRAMES = {
    "a text": Frame(Opcode.TEXT, b"{}"),
    "a fragment": Frame(Opcode.TEXT, b"{", fin=False),
    "an empty fragment": Frame(Opcode.TEXT, b"", fin=False),
    "a ping": Frame(Opcode.PING, b""),
    "a pong": Frame(Opcode.PONG, b""),
    "a close": Frame(Opcode.CLOSE, b"\x03\xe8"),
    "binary": Frame(Opcode.BINARY, b""),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
async def test_a_frame_of_any_kind_is_charged_for_more_than_its_bytes(frame: Frame, transport: StillTransport) -> None:
    room, head = Nobody(), request("GET /ws", UPGRADE)
    # The burst is four times as many bytes: the head and less than a whole frame.
    room.limiter = Limiter(RoomLimits(bytes_per_second=(len(head) + FRAME_COST_BYTES) // 4))
    made = WebsocketConnection(Config("app", log_config=None), ServerState(), {"handler": room})
    made.connection_made(transport)
    made.data_received(head)
    assert transport.reads == []
    made.data_received(frame.serialize(mask=True))
    assert transport.reads == [False]


async def test_frames_after_a_refused_frame_are_charged(transport: StillTransport) -> None:
    room, head = Nobody(), request("GET /ws", UPGRADE)
    room.limiter = Limiter(RoomLimits(bytes_per_second=(len(head) + 4 * FRAME_COST_BYTES) // 4))
    made = WebsocketConnection(Config("app", log_config=None), ServerState(), {"handler": room})
    made.connection_made(transport)
    made.data_received(head)
    made.close(CloseCode.TRY_AGAIN_LATER, "")
    for _ in range(4):
        assert transport.reads == []
        made.data_received(FRAMES["a ping"].serialize(mask=True))
    assert transport.reads == [False]


def test_peer_of_returns_an_ip_address_or_nothing() -> None:
    assert peer_of(StillTransport(("2001:db8::1", 1, 0, 0))) == "2001:db8::1"
    assert peer_of(StillTransport("/run/flagpost.sock")) == ""
    assert peer_of(StillTransport(None)) == ""


async def test_a_client_is_cut_off_for_what_it_leaves_unread_for_a_time(
    connection: WebsocketConnection, transport: StillTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.websocket.connection.UNREAD_SECONDS", 0.0)
    transport.unsent = MAX_UNSENT_BYTES + 1
    connection.pause_writing()
    connection.resume_writing()
    await asyncio.sleep(0.01)
    assert not transport.aborted
    connection.pause_writing()
    async with asyncio.timeout(10):
        while not transport.aborted:
            await asyncio.sleep(0.005)


async def test_a_client_is_cut_off_at_once_for_a_backlog(
    connection: WebsocketConnection, transport: StillTransport
) -> None:
    transport.unsent = MAX_BACKLOG_BYTES + 1
    connection.pause_writing()
    assert transport.aborted


class Claiming(Nobody):
    """Begins a login at once, whose answer it waits for."""

    session: Session

    def on_open(self, session: Session) -> None:
        self.session = session
        session.verifying = True


async def test_login_that_waits_for_the_database_has_no_deadline(
    transport: StillTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.websocket.connection.LOGIN_SECONDS", 0.0)
    room = Claiming()
    made = WebsocketConnection(Config("app", log_config=None), ServerState(), {"handler": room})
    made.connection_made(transport)
    made.data_received(request("GET /ws", UPGRADE))
    await _pass_deadlines()
    room.session.delay_queue.hold()
    room.session.verifying = False
    await _pass_deadlines()
    assert not room.session.ended
    room.session.delay_queue.release()
    async with asyncio.timeout(10):
        while not room.session.ended:
            await asyncio.sleep(0)


async def _pass_deadlines() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
