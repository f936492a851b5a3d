"""A stand-in for a BareRTC server, which says what a real one said: tests/contract/barertc/client-frames.jsonl."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import SHUT_RDWR

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from tests.support.scripted_server import served

_FILE = Path(__file__).parents[1] / "contract/barertc/client-frames.jsonl"
Json = dict[str, object]


class Recorded(msgspec.Struct):
    """A frame of a recorded session."""

    scenario: str
    who: str
    sender: str = msgspec.field(name="from")
    frame: object


def recorded(scenario: str, who: str) -> list[bytes]:
    """Return what the server sent to somebody in a scenario."""
    rows = (msgspec.json.decode(line, type=Recorded) for line in _FILE.read_bytes().splitlines())
    return [
        msgspec.json.encode(row.frame)
        for row in rows
        if (row.scenario, row.who, row.sender) == (scenario, who, "server")
    ]


class BareRTCServer:
    """Silent until the login; `received` has all frames of clients."""

    def __init__(self) -> None:
        self.received: list[Json] = []
        self.url = ""
        self._connections: list[ServerConnection] = []
        self._numbers = iter(range(1_795_956_942, 2**40))

    def of(self, action: str) -> list[Json]:
        """Return what clients sent of one action."""
        return [frame for frame in self.received if frame["action"] == action]

    def send(self, *wires: bytes) -> None:
        """Send to all clients."""
        for connection in self._connections:
            for wire in wires:
                connection.send(wire, text=True)

    def handle(self, connection: ServerConnection) -> None:
        """Serve one connection."""
        self._connections.append(connection)
        try:
            for data in connection:
                frame: Json = json.loads(data)
                self.received.append(frame)
                for wire in self._replies(frame):
                    connection.send(wire, text=True)
        except ConnectionClosed:
            pass
        finally:
            self._connections.remove(connection)

    def drop(self) -> None:
        for connection in list(self._connections):
            with suppress(OSError):
                connection.socket.shutdown(SHUT_RDWR)

    def _replies(self, frame: Json) -> list[bytes]:
        match frame["action"]:
            case "login":
                return recorded("login-guest", "alice")
            case "message":
                html = f"<p>{frame['message']}</p>"
                said = {"channel": frame["channel"], "username": "alice", "message": html, "msgID": next(self._numbers)}
                return [_wire("message", **said)]
            case "takeback":
                return [_wire("takeback", msgID=frame["msgID"])]
            case "react":
                return [_wire("react", username="alice", message=frame["message"], msgID=frame["msgID"])]
            case "report":
                return recorded("report-public", "late")
            case "me" | "mute" | "block" | "ping":
                return []
        return [_wire("error", username="ChatServer", message=f"Unsupported message type: {frame['action']}")]


def _wire(action: str, **fields: object) -> bytes:
    return msgspec.json.encode({"action": action, **fields})


@contextmanager
def barertc_server() -> Iterator[BareRTCServer]:
    """Run a stand-in on a loopback port until the block ends."""
    stand_in = BareRTCServer()
    with served(stand_in.handle, stand_in.drop) as stand_in.url:
        yield stand_in
