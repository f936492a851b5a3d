"""A process that takes the port while the server is down learns nothing that lets it log in as someone else."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from tests.support.chat_client import WAIT_SECONDS, entered
from tests.support.plain_client import PlainClient
from tests.support.server_process import ServerProcess, write_settings

SECRET = "our secret: 4711"
JsonObject = dict[str, object]
Pose = Callable[[JsonObject], JsonObject]


def as_it_is(welcome: JsonObject) -> JsonObject:
    """Claim to be the known server."""
    return welcome


def with_its_own_challenge(welcome: JsonObject) -> JsonObject:
    """Claim to be the known server, with a chosen challenge."""
    return {**welcome, "challenge": "0" * 32}


def as_another(welcome: JsonObject) -> JsonObject:
    """Pose as another server."""
    return {**welcome, "server": "s" * 32, "epoch": "another"}


def as_an_old_one(welcome: JsonObject) -> JsonObject:
    """Pose as an old server, which does not know proofs."""
    return {key: value for key, value in welcome.items() if key not in {"server", "challenge"}}


class Squatter:
    """Accepts every login and records all that clients send."""

    def __init__(self, welcome: JsonObject) -> None:
        self.heard: list[str] = []
        self._welcome = welcome

    def handle(self, connection: ServerConnection) -> None:
        """Serve one connection."""
        with suppress(ConnectionClosed):
            connection.send(json.dumps(self._welcome))
            for text in connection:
                self.heard.append(str(text))
                if json.loads(text)["action"] == "login":
                    connection.send('{"action":"me","username":"ada","op":false}')
                    connection.send('{"action":"who","whoList":[]}')
                    connection.send('{"action":"echo"}')

    def until_heard(self) -> None:
        """Wait until a client has sent something."""
        end = time.monotonic() + WAIT_SECONDS
        while not self.heard:
            assert time.monotonic() < end
            time.sleep(0.02)


@contextmanager
def squatting(port: int, welcome: JsonObject) -> Iterator[Squatter]:
    """Run a squatter on a port."""
    squatter = Squatter(welcome)
    with serve(squatter.handle, "127.0.0.1", port) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield squatter
        finally:
            server.shutdown()
            thread.join()


def strings(value: object) -> Iterator[str]:
    """Yield every text in a frame."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)


def tries(heard: list[str]) -> Iterator[JsonObject]:
    """Yield all attacks that use what was heard: each login again, and each text in it as a token."""
    for text in heard:
        frame = json.loads(text)
        if frame["action"] != "login":
            continue
        yield frame
        yield {**frame, "username": "ADA"}
        for secret in strings(frame):
            yield {"action": "login", "username": "ada", "token": secret}
            yield {"action": "login", "username": "ada", "enrol": {"storedKey": secret, "serverKey": secret}}


def overheard(url: str, login: JsonObject) -> str:
    """Log in with a frame and request the conversation with bob; return all that the server answers."""
    said = ""
    with connect(url, proxy=None) as connection:
        for frame in (
            login,
            {"action": "history", "channel": "@bob", "nonce": "n-1"},
            {"action": "search", "query": "secret", "nonce": "n-2"},
            {"action": "ping"},
        ):
            connection.send(json.dumps(frame))
        # The history is answered only after the echo, so wait until the echo has arrived or the login is refused.
        while '"action":"ping"' not in said or ('"action":"me"' in said and said.count('"nonce":"n-') < 2):
            said += str(connection.recv(timeout=WAIT_SECONDS))
    return said


def welcome_of(url: str) -> JsonObject:
    """Return the server's first frame."""
    with connect(url, proxy=None) as connection:
        welcome: JsonObject = json.loads(connection.recv(timeout=WAIT_SECONDS))
    return welcome


def visit(url: str, directory: Path, *lines: str) -> None:
    """Log in to a server as ada, send lines and leave."""
    with PlainClient(url, "ada", directory) as ada:
        ada.write(*lines)
        code, errors = ada.end_input()
        assert code == 0, errors


@pytest.mark.parametrize("pose", [as_it_is, with_its_own_challenge, as_another, as_an_old_one])
@pytest.mark.parametrize("known", [True, False], ids=["known before", "new"])
async def test_another_server_on_the_port_cannot_impersonate_its_users(
    tmp_path: Path, pose: Pose, *, known: bool
) -> None:
    settings = write_settings(tmp_path, limits={"MessagesPerSecond": 0, "BytesPerSecond": 0, "LoginsPerMinute": 0,
        "NewConnectionsPer10Minutes": 0})  # fmt: skip
    with ServerProcess(settings) as server:
        url, port = server.url, server.port
        welcome = welcome_of(url)
        if known:
            visit(url, tmp_path, "hello")
        server.terminate()
    with squatting(port, pose(welcome)) as squatter, PlainClient(url, "ada", tmp_path) as ada:
        ada.write("hello again")
        squatter.until_heard()
        if known and "server" in welcome and pose in {as_it_is, with_its_own_challenge}:
            code, errors = ada.ended()
            assert code == 1
            assert "claims to be the server you used before" in errors[-2]
            assert errors[-1] == "flagpost: This was not sent: hello again"
            assert [json.loads(text)["action"] for text in squatter.heard] == ["login"]
        else:
            ada.until("Connected as ada")
            if known:
                ada.until_error("This is not the server you used before")
    with ServerProcess(settings, "--address", f"127.0.0.1:{port}") as server:
        visit(url, tmp_path, "back at the real one")
        async with entered(url, "bob") as bob:
            await bob.say("@ada", SECRET)
        for login in tries(squatter.heard):
            assert SECRET not in overheard(url, login), login
        with PlainClient(url, "ada", tmp_path) as ada:
            ada.until(SECRET)
