"""A chat server that a test scripts: real sockets, in a thread, without rules of its own."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from socket import SHUT_RDWR

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from server.protocol.codec import decode_client, encode
from server.protocol.codes import CloseCode, ReportState
from server.protocol.frames import (
    Block,
    ChannelEntry,
    ClientFrame,
    Echo,
    History,
    HistoryRequest,
    Limits,
    Login,
    Me,
    Message,
    Mute,
    Ping,
    Pong,
    Read,
    Relations,
    ReportEntry,
    ReportReason,
    ReportRequest,
    ReportStatus,
    Say,
    ServerFrame,
    Unblock,
    Unmute,
    Webhooks,
    Welcome,
    Who,
    WhoEntry,
)

BEGIN = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
WELCOME = Welcome(
    epoch="e1",
    title="The Harbour",
    channels=[ChannelEntry("lobby", "Lobby"), ChannelEntry("galley", "Galley")],
    webhooks=Webhooks(report=True, profile=True),
    report_reasons=[
        ReportReason("It's spam", comment_required=False),
        ReportReason("It's abusive (racist, homophobic, etc.)", comment_required=False),
        ReportReason("Other (please describe)", comment_required=True),
    ],
    limits=Limits(),
)
PEOPLE = Who([WhoEntry("ada", 1), WhoEntry("bob", 2), WhoEntry("Inés ⚓", 3)])

Answer = Callable[[ClientFrame], Sequence[ServerFrame]]

WAIT_SECONDS = 30.0


def line(msg_id: int, author: str, text: str, channel: str = "lobby", nonce: str | None = None) -> Message:
    """Return a message, one minute after the one with the number before."""
    return Message(channel, author, text, msg_id, BEGIN + timedelta(minutes=msg_id), nonce)


def report(msg_id: int = 3, about: str = "bob", **changes: object) -> ReportEntry:
    """Return a report of a message in the lobby, delivered unless the changes say otherwise."""
    known = line(msg_id, about, "buy my stuff")
    entry = ReportEntry(
        report_id=f"rep_{msg_id}",
        msg_id=msg_id,
        about=about,
        channel="lobby",
        at=known.at,
        message=known.message,
        reason="It's spam",
        comment="",
        reported_at=known.at + timedelta(seconds=30),
        status=ReportState.DELIVERED,
    )
    return msgspec.structs.replace(entry, **changes)


def stands(ask: ReportRequest, status: str = ReportState.DELIVERED, **changes: object) -> ReportStatus:
    """Return the status that answers a report."""
    entry = report(ask.msg_id, reason=ask.reason, comment=ask.comment, status=status)
    return ReportStatus(msgspec.structs.replace(entry, **changes), ask.nonce)


def relating() -> Answer:
    """Return an answer that mutes and blocks, as the real server does."""
    muted: set[str] = set()
    blocked: set[str] = set()

    def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
        change = {Mute: muted.add, Unmute: muted.discard, Block: blocked.add, Unblock: blocked.discard}.get(type(frame))
        if change is None or not isinstance(frame, Mute | Unmute | Block | Unblock):
            return ()
        change(frame.username)
        return [Relations(sorted(muted), sorted(blocked))]

    return answer


OPENING = Echo(
    [line(1, "bob", "Good *morning* all"), line(2, "Inés ⚓", "Wind is `NE 4`"), line(3, "bob", "buy my stuff")]
)


@dataclass
class ScriptedServer:
    """Frames to send at each point; change the fields before the client connects, or call `send` at any time."""

    welcome: Welcome = WELCOME
    opening: Sequence[ServerFrame] = (PEOPLE, OPENING)
    """Sent after the login is accepted."""
    login: Callable[[Login], ServerFrame] = lambda frame: Me(frame.username, op=False)
    answer: Answer = field(default_factory=relating)
    received: list[ClientFrame] = field(default_factory=list)
    """Everything that clients sent, including logins."""
    closes: list[int | None] = field(default_factory=list)
    """The close codes that clients sent."""
    url: str = ""
    _connections: list[ServerConnection] = field(default_factory=list)

    def send(self, *frames: ServerFrame) -> None:
        """Send frames to all connected clients."""
        for connection in self._connections:
            for frame in frames:
                connection.send(encode(frame), text=True)

    def drop(self) -> None:
        """Cut every connection without a closing handshake."""
        for connection in list(self._connections):
            # The client may have just closed it.
            with suppress(OSError):
                connection.socket.shutdown(SHUT_RDWR)

    def close(self, code: CloseCode, reason: str) -> None:
        """Close every connection, and wait for the clients; call it in a thread."""
        for connection in list(self._connections):
            connection.close(code, reason)

    def sent(self, kind: type[ClientFrame]) -> list[ClientFrame]:
        """Return what clients sent of one kind."""
        return [frame for frame in self.received if isinstance(frame, kind)]

    @property
    def acts(self) -> list[ClientFrame]:
        """Return what users did, without the requests and markers that clients send by themselves."""
        return [frame for frame in self.received if not isinstance(frame, Login | HistoryRequest | Ping | Read)]

    def next_sent(self, kind: type[ClientFrame]) -> ClientFrame:
        """Wait for the first frame of a kind: a client may show a result before it has sent the frame."""
        end = time.monotonic() + WAIT_SECONDS
        while not (found := self.sent(kind)):
            assert time.monotonic() < end, f"no {kind.__name__} came"
            time.sleep(0.02)
        return found[0]

    def handle(self, connection: ServerConnection) -> None:
        """Serve one connection, from its welcome to its end."""
        connection.send(encode(self.welcome), text=True)
        self._connections.append(connection)
        try:
            for data in connection:
                frame = decode_client(data.encode() if isinstance(data, str) else data)
                self.received.append(frame)
                for reply in self._replies(frame):
                    connection.send(encode(reply), text=True)
        except ConnectionClosed:
            pass
        finally:
            self._connections.remove(connection)
            self.closes.append(connection.close_code)

    def _replies(self, frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, Login):
            if isinstance(frame, Ping):
                return [Pong()]
            answers = self.answer(frame)
            if isinstance(frame, HistoryRequest) and not answers:
                # Without an answer the client would wait, and show that it is loading.
                return [History(frame.channel, [], more=False, nonce=frame.nonce)]
            return answers
        granted = self.login(frame)
        return (granted, *self.opening) if isinstance(granted, Me) else (granted,)


@contextmanager
def served(handle: Callable[[ServerConnection], None], drop: Callable[[], None], port: int = 0) -> Iterator[str]:
    """Serve websockets on a loopback port until the block ends, which yields the URL; `drop` ends all connections."""
    with serve(handle, "127.0.0.1", port, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        finally:
            # The server waits for the threads of its connections, which end with them.
            drop()
            server.shutdown()
            thread.join()


@contextmanager
def scripted_server(script: ScriptedServer | None = None, port: int = 0) -> Iterator[ScriptedServer]:
    """Run a script on a loopback port until the block ends."""
    script = script or ScriptedServer()
    with served(script.handle, script.drop, port) as script.url:
        yield script


def confirming(first: int = 100) -> Answer:
    """Return an answer that confirms each message, as the real server does, with numbers from `first` on."""
    numbers = count(first)

    def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
        if isinstance(frame, Say):
            return [line(next(numbers), "ada", frame.message, frame.channel, frame.nonce)]
        return ()

    return answer
