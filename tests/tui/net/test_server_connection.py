"""A connection batches frames, reconnects after a loss, and explains in plain words why it failed."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar, cast

import pytest
from msgspec import structs
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from server.protocol.codec import decode_client, encode
from server.protocol.codes import CloseCode
from server.protocol.frames import (
    ClientFrame,
    Error,
    Frame,
    Limits,
    Login,
    Me,
    Message,
    Ping,
    Presence,
    Presences,
    Say,
    ServerFrame,
    Webhooks,
    Welcome,
    WhoEntry,
)
from tests.support.key_login import Desk
from tui.net.client_session import IMPOSTOR, ClientSession
from tui.net.server_connection import Connecting, Connection, Event, Lost, Received
from tui.net.wire import FlagpostWire, Outgoing

WAIT_SECONDS = 10.0
AT = datetime(2026, 3, 14, tzinfo=UTC)

Kind = TypeVar("Kind", bound=Frame)
Handler = Callable[[ServerConnection], Awaitable[None]]


class Client:
    """A running connection and the events it reported."""

    def __init__(self, url: str) -> None:
        self.session = ClientSession("ada")
        self.told: list[Event] = []
        self._changed = asyncio.Event()
        self.connection = Connection(url, self.session, self._take)
        self.life = asyncio.create_task(self.connection.run())

    def _take(self, event: Event) -> None:
        self.told.append(event)
        self._changed.set()

    async def until(self, condition: Callable[[list[Event]], bool]) -> None:
        """Wait until the reported events fulfil a condition."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not condition(self.told):
                self._changed.clear()
                await self._changed.wait()

    async def lost(self) -> Lost:
        """Return the first loss."""
        await self.until(lambda told: any(isinstance(event, Lost) for event in told))
        return next(event for event in self.told if isinstance(event, Lost))

    @property
    def texts(self) -> list[str]:
        """Return the text of every message received."""
        return [
            frame.message
            for event in self.told
            if isinstance(event, Received)
            for frame in event.frames
            if isinstance(frame, Message)
        ]


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Client]:
    """A client that ends with the block."""
    made = Client(url)
    try:
        yield made
    finally:
        made.life.cancel()
        with suppress(asyncio.CancelledError):
            await made.life


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Run a websocket server; yield its URL."""
    async with serve(handler, "127.0.0.1", 0, compression=None, close_timeout=1) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ws"


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """Run a TCP server that answers a request with these bytes; yield its websocket URL."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"


def message(text: str) -> str:
    """Return a message, encoded."""
    return encode(Message("lobby", "bob", text, int(text) if text.isdigit() else 1, AT)).decode()


async def test_a_burst_is_handed_on_in_few_pieces_and_in_order() -> None:
    async def burst(connection: ServerConnection) -> None:
        for number in range(1, 1001):
            await connection.send(message(str(number)))
        await connection.wait_closed()

    async with serving(burst) as url, client(url) as ada:
        await ada.until(lambda _: len(ada.texts) == 1000)
        assert ada.texts == [str(number) for number in range(1, 1001)]
        pieces = [event for event in ada.told if isinstance(event, Received)]
        assert len(pieces) < 100
        assert all(piece.frames for piece in pieces)


async def test_a_single_frame_is_handed_on_soon() -> None:
    async def echo(connection: ServerConnection) -> None:
        await connection.send(message("1"))
        async for _ in connection:
            await connection.send(message("2"))

    async with serving(echo) as url, client(url) as ada:
        await ada.until(lambda _: ada.texts == ["1"])
        began = asyncio.get_running_loop().time()
        await ada.connection.send(Ping())
        await ada.until(lambda _: ada.texts == ["1", "2"])
        assert asyncio.get_running_loop().time() - began < 0.5


async def test_frames_received_right_before_the_end_are_handed_on_before_the_loss_is_reported() -> None:
    async def last_words(connection: ServerConnection) -> None:
        await connection.send(message("1"))
        await connection.close(CloseCode.REPLACED, "You are elsewhere now")

    async with serving(last_words) as url, client(url) as ada:
        lost = await ada.lost()
        assert ada.texts == ["1"]
        assert ada.told[-1] is lost


async def test_frames_that_cannot_be_read_are_left_out() -> None:
    async def babble(connection: ServerConnection) -> None:
        await connection.send(message("1"))
        for data in ("", "no JSON", "[]", '{"action":"of-a-later-version"}', '{"action":"message"}', '{"a":' * 2000):
            await connection.send(data)
        await connection.send(b"\xff\xfe")
        await connection.send('{"action":"me","username":"\\ud800","op":false}')
        await connection.send('{"action":"me","username":7,"op":false}')
        await connection.send(message("2"))
        await connection.wait_closed()

    async with serving(babble) as url, client(url) as ada:
        await ada.until(lambda _: "2" in ada.texts)
        frames = [frame for event in ada.told if isinstance(event, Received) for frame in event.frames]
        assert [type(frame) for frame in frames] == [Message, Message]


@pytest.mark.parametrize("at", ["0000-01-01T00:00:00Z", "2026-02-30T09:26:00Z", "now", "1"])
async def test_a_message_without_a_usable_time_is_left_out(at: str) -> None:
    async def babble(connection: ServerConnection) -> None:
        bad = f'{{"action":"message","channel":"lobby","username":"b","message":"9","msgID":9,"at":"{at}"}}'
        await connection.send(bad)
        await connection.send(message("1"))
        await connection.wait_closed()

    async with serving(babble) as url, client(url) as ada:
        await ada.until(lambda _: "1" in ada.texts)
        assert ada.texts == ["1"]


@pytest.mark.parametrize("number", ["0", "-1", "9223372036854775808", "1e400", "1.5"])
async def test_a_message_without_a_usable_number_is_left_out(number: str) -> None:
    async def babble(connection: ServerConnection) -> None:
        await connection.send(message("1").replace('"msgID":1', f'"msgID":{number}').replace('"1"', '"9"'))
        await connection.send(message("1"))
        await connection.wait_closed()

    async with serving(babble) as url, client(url) as ada:
        await ada.until(lambda _: "1" in ada.texts)
        assert ada.texts == ["1"]


async def test_received_frames_are_cleaned() -> None:
    async def curse(connection: ServerConnection) -> None:
        await connection.send(encode(Error("a\x1b]2;x\x07", "notice", "b\u202e", channel="\x9b")).decode())
        await connection.wait_closed()

    async with serving(curse) as url, client(url) as ada:
        await ada.until(lambda told: any(isinstance(event, Received) for event in told))
        assert ada.told[-1] == Received([Error("a␛]2;x␇", "notice", "b", channel="\ufffd")])


async def test_gathered_changes_are_handed_on_one_by_one() -> None:
    changes = [Presence("bob", "has joined the room!", WhoEntry("bob", 1)), Presence("eve", "has left.")]

    async def announce(connection: ServerConnection) -> None:
        await connection.send(encode(Presences(changes)).decode())
        await connection.wait_closed()

    async with serving(announce) as url, client(url) as ada:
        await ada.until(lambda told: any(isinstance(event, Received) for event in told))
        assert ada.told[-1] == Received([*changes])


async def test_a_sent_frame_arrives_and_without_a_connection_none_is_sent() -> None:
    came: list[str | bytes] = []
    arrived = asyncio.Event()

    async def keep(connection: ServerConnection) -> None:
        await connection.send(message("1"))
        async for data in connection:
            came.append(data)
            arrived.set()

    async with serving(keep) as url, client(url) as ada:
        assert not await ada.connection.send(Ping())
        await ada.until(lambda _: bool(ada.texts))
        assert await ada.connection.send(Say("lobby", "hi ⚓", "n1"))
        async with asyncio.timeout(WAIT_SECONDS):
            await arrived.wait()
    assert [decode_client(data.encode()) for data in came if isinstance(data, str)] == [Say("lobby", "hi ⚓", "n1")]
    assert not await ada.connection.send(Ping())


async def test_client_reconnects_after_a_lost_connection() -> None:
    visits = 0

    async def cut_once(connection: ServerConnection) -> None:
        nonlocal visits
        visits += 1
        await connection.send(message(str(visits)))
        if visits == 1:
            connection.transport.abort()
        await connection.wait_closed()

    async with serving(cut_once) as url, client(url) as ada:
        await ada.until(lambda _: ada.texts[-1:] == ["2"])
        lost = await ada.lost()
        assert lost.why == "the connection was lost"
        assert lost.retry_seconds is not None
        assert 0.25 <= lost.retry_seconds <= 0.5
        assert [type(event) for event in ada.told if not isinstance(event, Received)] == [Connecting, Lost, Connecting]


@pytest.mark.parametrize("code", [1001, 1011, 1012, 4002, 4999])
async def test_client_reconnects_after_a_close_that_allows_it_and_shows_the_reason(code: int) -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.close(code, "Back \x1b[31msoon.")

    async with serving(close) as url, client(url) as ada:
        lost = await ada.lost()
        assert lost.why == "Back ␛[31msoon"
        assert lost.retry_seconds is not None


@pytest.mark.parametrize("code", [4001, 1000, 1009])
async def test_client_does_not_reconnect_after_a_close_that_forbids_it(code: int) -> None:
    visits = 0

    async def close(connection: ServerConnection) -> None:
        nonlocal visits
        visits += 1
        await connection.close(code)

    async with serving(close) as url, client(url) as ada:
        lost = await ada.lost()
        assert lost == Lost("the server closed the connection", None)
        async with asyncio.timeout(WAIT_SECONDS):
            await ada.life
    assert visits == 1


async def test_the_backoff_grows_until_a_login_succeeds() -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.close(CloseCode.GOING_AWAY)

    async with serving(close) as url, client(url) as ada:
        await ada.until(lambda told: sum(isinstance(event, Lost) for event in told) == 2)
        assert ada.session.failures == 2
        first, second = (event.retry_seconds or 0.0 for event in ada.told if isinstance(event, Lost))
        assert 0.25 <= first <= 0.5 <= second <= 1.0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "the server there is not a Flagpost server (status 200)"),
        (b"HTTP/1.1 404 \x1b[31m\r\nContent-Length: 0\r\n\r\n", "the server there is not a websocket server"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "not a Flagpost server (status 302)"),
        (
            b"HTTP/1.1 429 \r\nContent-Length: 5\r\n\r\n\x1b[31m",
            "the server accepts no more connections from your address at the moment",
        ),
        (b"SSH-2.0-OpenSSH_9.9\r\n\x1b]2;x\x07", "the server there is not a websocket server"),
        (b"", "the server there is not a websocket server"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "the server there is not a websocket server"),
    ],
)
async def test_another_kind_of_server_is_explained_in_plain_words(answer: bytes, why: str) -> None:
    async with answering(answer) as url, client(url) as ada:
        lost = await ada.lost()
        assert why in lost.why
        assert lost.why.isprintable()
        assert lost.retry_seconds is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_closed_port_is_explained_in_plain_words(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with client(f"ws://{host}:{port}/ws") as ada:
        lost = await ada.lost()
        assert lost.why == "nothing is listening there"
        assert lost.retry_seconds is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "ws:///ws",
        "not a url",
        "ws://127.0.0.1/\x1b[31m#x",
        "ws://127.0.0.1:99999/ws",
        "ws://127.0.0.1:port/ws",
        "ws://[::1/ws",
        f"ws://{'a' * 70}.example/ws",
        "ws://.example/ws",
    ],
)
async def test_an_invalid_url_is_explained_in_plain_words_and_not_retried(url: str) -> None:
    async with client(url) as ada:
        async with asyncio.timeout(WAIT_SECONDS):
            await ada.life
        lost = await ada.lost()
        assert lost.retry_seconds is None
        assert lost.why.endswith("is not a ws:// or wss:// address")
        assert lost.why.isprintable()


async def test_ending_closes_the_connection_cleanly() -> None:
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def listen(connection: ServerConnection) -> None:
        await connection.send(encode(Me("ada", op=False)).decode())
        with suppress(ConnectionClosed):
            await connection.recv()
        codes.put_nowait(connection.close_code)

    async with serving(listen) as url, client(url) as ada:
        await ada.until(lambda told: any(isinstance(event, Received) for event in told))
        ada.life.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ada.life
        async with asyncio.timeout(WAIT_SECONDS):
            assert await codes.get() == CloseCode.NORMAL


async def test_nothing_arrives_once_the_connection_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """By then, its owner may use another server, whose room must not show what this one said."""
    monkeypatch.setattr("tui.net.server_connection.GATHER_SECONDS", 1000.0)
    fetched = threading.Event()

    class Slow(FlagpostWire):
        def send(self, frame: Frame) -> Outgoing:
            return Outgoing(work=lambda: [Error("late", "", "ChatServer")] if fetched.wait(WAIT_SECONDS) else [])

    async def talk(connection: ServerConnection) -> None:
        await connection.send(message("1"))
        await connection.wait_closed()

    async with serving(talk) as url, client(url) as ada:
        ada.connection._wire = Slow()
        async with asyncio.timeout(WAIT_SECONDS):
            while not ada.connection._gathered:
                await asyncio.sleep(0.01)
            assert await ada.connection.send(Ping())
            fetching = [*ada.connection._working]
            ada.life.cancel()
            with pytest.raises(asyncio.CancelledError):
                await ada.life
            assert ada.texts == ["1"]
            fetched.set()
            await asyncio.gather(*fetching, return_exceptions=True)
        assert ada.connection._gathered == []


async def test_a_connection_may_end_within_a_frame_of_several_messages() -> None:
    sent: list[str] = []

    class Ending:
        async def send(self, _wire: bytes, *, text: bool) -> None:
            assert text
            if sent:
                raise ConnectionClosedError(None, None)
            sent.append("first")
            connection._socket = None

    class Several(FlagpostWire):
        def send(self, frame: Frame) -> Outgoing:
            return Outgoing((b"1", b"2"))

    connection = Connection("ws://127.0.0.1:9/ws", ClientSession("ada"), lambda _event: None, Several())
    connection._socket = cast(ClientConnection, Ending())
    assert not await connection.send(Ping())
    assert sent == ["first"]


async def test_ending_does_not_wait_for_a_server_that_never_answers_the_close() -> None:
    came, gone = asyncio.Event(), asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        came.set()
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        gone.set()

    async with await asyncio.start_server(deaf, "127.0.0.1", 0) as server:
        async with client(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"):
            async with asyncio.timeout(WAIT_SECONDS):
                await came.wait()
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 3
        async with asyncio.timeout(WAIT_SECONDS):
            await gone.wait()


WELCOME = Welcome("e1", "Room", [], Webhooks(report=False, profile=False), [], Limits())


async def entered(ada: Client) -> None:
    """Answer the latest welcome with a login, as a front end does; return once it is accepted."""
    await ada.until(lambda _: bool(frames(ada, Welcome)))
    await ada.connection.send(ada.session.login(frames(ada, Welcome)[-1], None))
    await ada.until(lambda _: bool(frames(ada, Me)))
    ada.session.entered("ada")


def frames(ada: Client, kind: type[Kind]) -> list[Kind]:
    """Return all received frames of a class."""
    handed = (frame for event in ada.told if isinstance(event, Received) for frame in event.frames)
    return [frame for frame in handed if isinstance(frame, kind)]


class Keyed:
    """A server whose logins are handled by a desk; it records what each connection sends."""

    def __init__(self, desk: Desk, *after: bytes) -> None:
        self.desk = desk
        self.heard: list[list[ClientFrame]] = []
        self.answer: Callable[[Login], ServerFrame] = desk.login
        self._after = after
        self._connections: list[ServerConnection] = []

    def drop(self) -> None:
        """Abort the latest connection."""
        self._connections[-1].transport.abort()

    async def serve(self, connection: ServerConnection) -> None:
        """Send the welcome, answer logins, and send the bytes of `after` after each answer."""
        heard: list[ClientFrame] = []
        self.heard.append(heard)
        self._connections.append(connection)
        welcome = structs.replace(WELCOME, server=self.desk.server, challenge=self.desk.challenge)
        await connection.send(encode(welcome).decode())
        async for data in connection:
            frame = decode_client(data.encode() if isinstance(data, str) else data)
            heard.append(frame)
            if isinstance(frame, Login):
                await connection.send(encode(self.answer(frame)).decode())
                for each in self._after:
                    await connection.send(each.decode())


async def test_a_login_with_an_unknown_identity_is_followed_by_an_enrolment_automatically() -> None:
    server = Keyed(Desk())
    async with serving(server.serve) as url, client(url) as ada:
        await entered(ada)
        server.desk.people.clear()
        ada.told.clear()
        server.drop()
        await entered(ada)
        first, second = server.heard[1]
        assert isinstance(first, Login)
        assert isinstance(second, Login)
        assert first.prove
        assert second.enrol
        assert not frames(ada, Error)


@pytest.mark.parametrize("forged", [None, b"p" * 32], ids=["none", "forged"])
async def test_an_impostor_is_left_before_anything_else_is_sent_or_handed_on(forged: bytes | None) -> None:
    said = encode(Message("lobby", "bob", "welcome back", 1, AT))
    real, impostor = Keyed(Desk()), Keyed(Desk(), said)
    impostor.answer = lambda frame: Me(frame.username, op=False, proof=forged)
    current = real

    async def serve(connection: ServerConnection) -> None:
        await current.serve(connection)

    async with serving(serve) as url, client(url) as ada:
        await entered(ada)
        current = impostor
        ada.told.clear()
        real.drop()
        await ada.until(lambda _: bool(frames(ada, Welcome)))
        assert not await ada.connection.send(Say("lobby", "for the real one"))
        await ada.connection.send(ada.session.login(frames(ada, Welcome)[-1], None))
        await ada.until(lambda told: any(isinstance(event, Lost) and event.retry_seconds is None for event in told))
        async with asyncio.timeout(WAIT_SECONDS):
            await ada.life
        assert IMPOSTOR in [event.why for event in ada.told if isinstance(event, Lost)]
        assert not ada.texts
        assert not frames(ada, Me)
        assert [[type(frame) for frame in heard] for heard in impostor.heard] == [[Login]]


async def test_a_server_that_is_known_is_not_believed_before_its_proof() -> None:
    said = message("1")
    desk = Desk()
    server = Keyed(desk)
    hasty = False

    async def serve(connection: ServerConnection) -> None:
        if hasty:
            await connection.send(said)
        await server.serve(connection)

    async with serving(serve) as url, client(url) as ada:
        await entered(ada)
        hasty = True
        ada.told.clear()
        server.drop()
        await entered(ada)
        assert not ada.texts
