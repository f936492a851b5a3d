"""What docs/protocol.md promises to authors of clients, with nothing but JSON and a websocket."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import takewhile
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.receiver import Receiver
from tests.support.server_process import Channel, ServerProcess, write_settings

Frame = Mapping[str, object]
TOKEN = {"ada": "the-token-of-ada-0001", "bob": "the-token-of-bob-0001"}


@pytest.fixture
def server(tmp_path: Path, receiver: Receiver) -> Iterator[ServerProcess]:
    channels = [Channel("lobby", ["Welcome."], echo=0), Channel("tea", echo=0)]
    with ServerProcess(write_settings(tmp_path, channels=channels, webhooks={"report": receiver.url})) as process:
        yield process


async def receive(socket: ClientConnection) -> Frame:
    async with asyncio.timeout(15):
        frame: Frame = json.loads(await socket.recv())
        return frame


async def until(socket: ClientConnection, action: str) -> list[Frame]:
    """Return the frames up to the first one with this action."""
    frames = [await receive(socket)]
    while frames[-1]["action"] != action:
        frames.append(await receive(socket))
    return frames


async def ask(socket: ClientConnection, answer: str, **frame: object) -> Frame:
    """Send a frame and return the next one with this action."""
    await socket.send(json.dumps(frame))
    return (await until(socket, answer))[-1]


@asynccontextmanager
async def logged_in(
    server: ServerProcess, name: str, **more: object
) -> AsyncIterator[tuple[ClientConnection, list[Frame]]]:
    """A client, and the frames that it received up to the answer of a ping after its login."""
    async with connect(server.url, proxy=None) as socket:
        await socket.send(json.dumps({"action": "login", "username": name, "token": TOKEN[name], **more}))
        before = await until(socket, "echo")
        await socket.send('{"action":"ping"}')
        yield socket, [*before, *await until(socket, "ping")]


def actions(frames: list[Frame]) -> list[object]:
    return [frame["action"] for frame in takewhile(lambda frame: frame["action"] != "ping", frames)]


async def test_frames_arrive_in_the_promised_order(server: ServerProcess) -> None:
    async with logged_in(server, "bob") as (bob, _), logged_in(server, "ada") as (ada, first):
        assert actions(first) == ["welcome", "me", "who", "echo", "error"]
        said = await ask(bob, "message", action="message", channel="lobby", message="buy my stuff", nonce="1")
        await ask(ada, "report", action="report", msgID=said["msgID"], reason="It's spam", nonce="1")
        await ask(ada, "relations", action="mute", username="bob")
        await ask(bob, "message", action="message", channel="tea", message="still here", nonce="2")
    async with connect(server.url, proxy=None) as ada:
        await ada.send(json.dumps({"action": "login", "username": "ada", "token": TOKEN["ada"]}))
        # An attempt to deliver the report may end at any moment, and the client is notified at once.
        found = [action for action in actions(await until(ada, "reports")) if action != "report"]
        welcome, me, *both, echo, places, notice, reports = found
        expected = ["welcome", "me", "echo", "places", "error", "reports"]
        assert [welcome, me, echo, places, notice, reports] == expected
        assert set(both) == {"relations", "who"}


async def test_an_empty_echo_omits_its_fields(server: ServerProcess) -> None:
    async with logged_in(server, "ada") as (_, frames):
        assert {"action": "echo"} in frames


async def test_a_resent_nonce_counts_once_and_cannot_be_used_for_another_message(server: ServerProcess) -> None:
    async with logged_in(server, "ada") as (ada, _):
        first = await ask(ada, "message", action="message", channel="lobby", message="one", nonce="n")
    async with logged_in(server, "ada") as (ada, _):
        second = await ask(ada, "message", action="message", channel="lobby", message="one", nonce="n")
        other = await ask(ada, "error", action="message", channel="lobby", message="two", nonce="n")
    assert second["msgID"] == first["msgID"]
    assert (other["code"], other["nonce"]) == ("nonce-used", "n")


async def test_message_numbers_grow_over_the_whole_room_and_one_since_resumes_all_channels(
    server: ServerProcess,
) -> None:
    async with logged_in(server, "ada") as (ada, frames):
        epoch = frames[0]["epoch"]
        said = [
            await ask(ada, "message", action="message", channel=channel, message="x", nonce=str(number))
            for number, channel in enumerate(["lobby", "tea", "lobby", "tea"])
        ]
    numbers = [int(str(frame["msgID"])) for frame in said]
    assert numbers == sorted(set(numbers))
    async with logged_in(server, "ada", since={"epoch": epoch, "msgID": numbers[0]}) as (_, frames):
        (echo,) = (frame for frame in frames if frame["action"] == "echo")
    messages = echo["messages"]
    assert isinstance(messages, list)
    assert [each["msgID"] for each in messages] == numbers[1:]


async def test_history_ends_where_more_is_false(server: ServerProcess) -> None:
    async with logged_in(server, "ada") as (ada, _):
        for number in range(7):
            await ask(ada, "message", action="message", channel="lobby", message=str(number), nonce=str(number))
        found: list[str] = []
        before, more = 0, True
        while more:
            page = await ask(ada, "history", action="history", channel="lobby", nonce="h", beforeID=before, limit=3)
            messages = page["messages"]
            assert isinstance(messages, list)
            found[:0] = [each["message"] for each in messages]
            before, more = messages[0]["msgID"], bool(page["more"])
    assert found == [str(number) for number in range(7)]


async def test_a_name_that_is_taken_gets_a_number(server: ServerProcess) -> None:
    async with logged_in(server, "ada"), connect(server.url, proxy=None) as socket:
        me = await ask(socket, "me", action="login", username="ada")
        assert me["username"] == "ada 2"
