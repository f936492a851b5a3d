"""Replays recorded scenarios: the server sends what BareRTC sent, except for listed improvements."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import msgspec
import pytest

from server.handlers.dispatch import Dispatcher
from server.protocol.frames import Disconnect, Error, Frame, Me, Message, Presence, Reacted, Takeback, Who
from server.room.session import Session
from server.rules.claimed_text import find
from server.rules.tokens import Claims, sign
from server.settings import JWT, PublicChannel
from server.settings.secret import Secret
from server.storage.base import Marker
from server.storage.broker import Broker
from server.storage.sqlite_database import SqliteDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import UNLIMITED, dispatcher_over, settle

LINES = [json.loads(line) for line in (Path(__file__).parent / "barertc/frames.jsonl").read_text("utf-8").splitlines()]
KEY = "a secret of the site, of 32 bytes"
CHANNELS = [PublicChannel("lobby", "Lobby", ("Welcome to **the room**!",)), PublicChannel("vip", "VIPs", vip=True)]
TOKEN = re.compile(r"<JWT HS256 (.*)>")

Event = tuple[str, ...]
"""Who received what: a label, an action, and the name or text that it is about."""

OWN, UNCHANGED = "the who list has the newcomer", "nobody sees another list"
OTHERWISE: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "login-guest": (OWN, (("alice", "presence"),)),
    "login-jwt-member": (OWN, (("bob", "presence"),)),
    "login-jwt-op": (OWN, (("op", "presence"),)),
    "login-dnd": (OWN, (("carol", "presence"),)),
    "message-unknown-channel": ("it is refused, not said to everyone", (("op", "message"), ("alice", "message"))),
    "dm-to-offline": ("it is refused, as nobody has this name", (("alice", "message"),)),
    "me-hidden-as-op": ("an operator sees hidden ones, also themselves", (("op", "presence"), ("op", "who"))),
    "me-unhidden-as-op": ("an operator sees hidden ones, also themselves", (("op", "presence"),)),
    "mute": (UNCHANGED, (("carol", "who"), ("bob", "who"))),
    "unmute": (UNCHANGED, (("carol", "who"), ("bob", "who"))),
    "block": (UNCHANGED, (("op", "who"),)),
    "blocked-dm": ("it is refused, not lost", (("carol", "message"),)),
    "blocklist": (UNCHANGED, (("op", "who"),)),
    "vip-guest-posts": ("a guest cannot write to VIPs", (("op", "message"),)),
    "vip-echo-leak": (OWN, (("late", "presence"),)),
    "commands": (
        "a misspelt command is not sent to the room",
        (("alice", "who"), ("op", "who"), ("carol", "message"), ("alice", "message"), ("late", "message")),
    ),
    "ban-hours": (
        "a person who was kicked has no connection left",
        (("alice", "presence"), ("late", "presence"), ("late", "error"), ("late", "disconnect")),
    ),
}
"""Scenario -> why something that BareRTC sent is not sent here, and who does not receive what."""


def events(who: str, frame: dict[str, object]) -> Iterator[Event]:
    """Yield the events in a frame of BareRTC's server."""
    action, name, text = (str(frame.get(key, "")) for key in ("action", "username", "message"))
    match action:
        case "me" | "message" | "takeback" | "disconnect" | "error":
            yield who, action, name
        case "presence" | "react":
            yield who, action, name, text
        case "who":
            people = frame["whoList"]
            assert isinstance(people, list)
            yield who, action, *sorted(each["username"] for each in people)
        case _:
            pass


def ours(who: str, frame: Frame) -> Event | None:
    """Return the event in a frame of our server."""
    match frame:
        case Me(username=name):
            return who, "me", name
        case Message(username=name):
            return who, "message", name
        case Takeback():
            return who, "takeback", ""
        case Disconnect():
            return who, "disconnect", ""
        case Error(username=name):
            return who, "error", name
        case Presence(username=name, message=text):
            return who, "presence", name, text
        case Reacted(username=name, message=text):
            return who, "react", name, text
        case Who(who_list=people):
            return who, "who", *sorted(each.username for each in people)
    return None


class Replay:
    """A room in which the frames of the recorded clients are sent again."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.outlets: dict[str, RecordingOutlet] = {}
        self.sessions: dict[str, Session] = {}
        self.recorded: dict[int, str] = {}
        """The texts of the recorded messages, by number."""

    async def send(self, who: str, frame: dict[str, object]) -> None:
        """Send a frame with a token signed by our key, and with our number of the same message."""
        if who not in self.sessions:
            self.outlets[who] = RecordingOutlet()
            self.sessions[who] = Session(self.outlets[who])
        if claims := TOKEN.fullmatch(str(frame.get("jwt", ""))):
            said = {key: value for key, value in json.loads(claims[1]).items() if key not in {"exp", "nbf", "iat"}}
            frame = {**frame, "jwt": sign(msgspec.convert(said, Claims), KEY, time.time())}
        if isinstance(number := frame.get("msgID"), int):
            frame = {**frame, "msgID": find(self.recorded[number], self._said()) or 1}
        self.dispatcher.on_message(self.sessions[who], json.dumps(frame).encode())
        await settle(self.dispatcher)
        await self.dispatcher.broker.mark_read("nobody", Marker("tea", 1))
        await settle(self.dispatcher)

    def _said(self) -> list[tuple[int, str]]:
        frames = [each for outlet in self.outlets.values() for each in outlet.frames]
        return [(each.msg_id, each.message) for each in frames if isinstance(each, Message)][::-1]

    def received(self, since: dict[str, int]) -> set[Event]:
        """Return what was received since these numbers of frames."""
        found = (
            ours(who, frame) for who, outlet in self.outlets.items() for frame in outlet.frames[since.get(who, 0) :]
        )
        return {event for event in found if event}

    async def expect(self, wanted: set[Event], since: dict[str, int]) -> set[Event]:
        """Wait until these events have happened; return those that never did."""
        end = time.monotonic() + 15
        while (missing := wanted - self.received(since)) and time.monotonic() < end:
            await asyncio.sleep(0.01)
        return missing


@pytest.fixture
async def replay(tmp_path: Path) -> AsyncIterator[Replay]:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    dispatcher = dispatcher_over(Broker(database), database, UNLIMITED)
    sign_in = JWT(enabled=True, strict=False, secret_key=Secret(KEY))
    dispatcher.go_live(replace(dispatcher.live, sign_in=sign_in, channels=CHANNELS))
    yield Replay(dispatcher)
    await database.close()


async def test_clients_receive_what_they_received_from_barertc(replay: Replay) -> None:
    different: dict[str, set[Event]] = {}
    for scenario, lines in groupby(LINES, key=lambda line: str(line["scenario"])):
        since = {who: len(outlet.frames) for who, outlet in replay.outlets.items()}
        wanted: set[Event] = set()
        for line in lines:
            if line["from"] == "client":
                await replay.send(line["who"], line["frame"])
            else:
                if line["frame"].get("action") == "message":
                    replay.recorded[line["frame"]["msgID"]] = line["frame"]["message"]
                wanted |= set(events(line["who"], line["frame"]))
        _, not_sent = OTHERWISE.get(scenario, ("", ()))
        expected = {event for event in wanted if event[0] in replay.sessions and event[:2] not in not_sent}
        if missing := await replay.expect(expected, since):
            different[scenario] = missing
    assert different == {}


def test_every_listed_difference_is_about_a_recorded_event() -> None:
    recorded = {
        (str(line["scenario"]), event[:2])
        for line in LINES
        if line["from"] == "server"
        for event in events(line["who"], line["frame"])
    }
    assert {(name, each) for name, (_, not_sent) in OTHERWISE.items() for each in not_sent} <= recorded
