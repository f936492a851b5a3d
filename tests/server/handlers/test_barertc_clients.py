"""Clients and bots written for BareRTC: their frames are understood, and they receive what they need."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import convert, structs

from server.handlers.dispatch import Dispatcher
from server.protocol.codes import ErrorCode
from server.protocol.frames import Error, Message, Presence, ReportReason, ReportStatus, Who
from server.reporting.desk import ReportDesk
from server.reporting.pending_requests import PendingRequests
from server.room.session import Session
from server.rules.tokens import Claims, sign
from server.settings import JWT
from server.settings.secret import Secret
from server.storage.base import Marker
from server.storage.broker import Broker
from server.storage.sqlite_database import SqliteDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import UNLIMITED, WELCOME, dispatcher_over, enter, settle
from tests.support.stored_reports import TERMS

BOT_FILE = Path(__file__).parents[2] / "contract" / "barertc" / "bot.jsonl"
KEY = "a secret of the site, of 32 bytes"
PING_SECONDS, DEAD_SECONDS = 15, 60
"""The bot writes to itself this often, and shuts the server down after this long without its own message."""


async def written(dispatcher: Dispatcher) -> None:
    """Wait until everything sent to the database so far is stored and delivered."""
    await dispatcher.broker.mark_read("nobody", Marker("tea", 1))
    await asyncio.sleep(0)


class Wire:
    """One BareRTC client: sends JSON, and records what it receives."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._outlet = RecordingOutlet()
        self.session = Session(self._outlet)

    async def send(self, **frame: object) -> None:
        """Send a frame, and wait until everything it causes has arrived."""
        self._dispatcher.on_message(self.session, json.dumps(frame).encode())
        await settle(self._dispatcher)
        await written(self._dispatcher)

    async def login(self, name: str, **more: object) -> None:
        await self.send(action="login", username=name, **{"jwt": "", **more})

    @property
    def errors(self) -> list[str]:
        return [each.code for each in self._outlet.frames if isinstance(each, Error) and each.code != ErrorCode.NOTICE]

    @property
    def notices(self) -> list[str]:
        return [
            each.message for each in self._outlet.frames if isinstance(each, Error) and each.code == ErrorCode.NOTICE
        ]

    @property
    def messages(self) -> list[Message]:
        return [each for each in self._outlet.frames if isinstance(each, Message)]

    @property
    def silent_presences(self) -> list[Presence]:
        return [each for each in self._outlet.frames if isinstance(each, Presence) and not each.message]

    @property
    def reported(self) -> list[str]:
        return [each.report.message for each in self._outlet.frames if isinstance(each, ReportStatus)]

    async def listed(self, *names: str) -> Who:
        """Wait until the latest who list has these people; return it."""
        async with asyncio.timeout(15):
            while True:
                lists = [each for each in self._outlet.frames if isinstance(each, Who)]
                if lists and [entry.username for entry in lists[-1].who_list] == [*names]:
                    return lists[-1]
                await asyncio.sleep(0.01)


@pytest.fixture
async def dispatcher(tmp_path: Path) -> AsyncIterator[Dispatcher]:
    """A room that accepts reports."""
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    dispatcher = dispatcher_over(Broker(database), database, UNLIMITED)
    welcome = structs.replace(WELCOME, report_reasons=[ReportReason("It's spam", comment_required=False)])
    reports = ReportDesk(database, dispatcher.hub, TERMS, [asyncio.Event()], PendingRequests())
    dispatcher.live = replace(dispatcher.live, welcome=welcome, reports=reports)
    yield dispatcher
    await database.close()


async def test_the_frames_of_a_bot_are_accepted_and_it_receives_its_own_messages(dispatcher: Dispatcher) -> None:
    sign_in = JWT(enabled=True, strict=False, secret_key=Secret(KEY))
    dispatcher.go_live(replace(dispatcher.live, sign_in=sign_in))
    lines = [json.loads(line) for line in BOT_FILE.read_text(encoding="utf-8").splitlines()]
    frames: list[dict[str, object]] = [line["frame"] for line in lines if line.get("from") == "client"]
    claims = next(line["body"]["Claims"] for line in lines if str(line.get("http")).endswith("/api/authenticate"))
    bob, bot = Wire(dispatcher), Wire(dispatcher)
    await bob.login("bob")
    await bob.send(action="message", channel="lobby", message="You bot! *Really*.")
    ours: dict[str, dict[str, object]] = {
        "login": {"jwt": sign(convert(claims, Claims), KEY, time.time())},
        "react": {"msgID": 1},
        "report": {"message": "You bot! Really."},
    }
    for frame in frames:
        await bot.send(**{**frame, **ours.get(str(frame["action"]), {})})
    own = [each for each in bot.messages if each.channel == "@barebot"]
    assert [each.username for each in own] == ["barebot"]
    assert bot.reported == ["You bot! *Really*."]
    assert bot.errors == []
    assert bot.notices == [*2 * ["Your mute on 0 users has been lifted."], "There are no webcams in this room."]
    assert (await bob.listed("bob", "barebot")).who_list[1].op


async def test_a_bot_that_writes_to_itself_does_not_shut_the_server_down(dispatcher: Dispatcher) -> None:
    bot, answered_at = Wire(dispatcher), 0
    await bot.login("barebot")
    for now in range(PING_SECONDS, 2 * DEAD_SECONDS, PING_SECONDS):
        await bot.send(action="message", channel="@barebot", message=f"deadlock ping {now}")
        if [each for each in bot.messages if each.message == f"deadlock ping {now}" and each.username == "barebot"]:
            answered_at = now
        assert now - answered_at < DEAD_SECONDS
    assert answered_at == 2 * DEAD_SECONDS - PING_SECONDS


async def test_the_who_list_follows_every_change(dispatcher: Dispatcher) -> None:
    wire = Wire(dispatcher)
    await wire.login("wire")
    await wire.listed("wire")
    session, _ = await enter(dispatcher, "ada", "the token of ada")
    await wire.listed("wire", "ada")
    other = Wire(dispatcher)
    await other.login("bob", dnd=True)
    assert [entry.dnd for entry in (await wire.listed("wire", "ada", "bob")).who_list] == [False, False, True]
    await other.send(action="me", status="away", video=1)
    assert (await wire.listed("wire", "ada", "bob")).who_list
    dispatcher.on_close(session, 1000)
    assert [entry.status for entry in (await wire.listed("wire", "bob")).who_list] == ["online", "away"]
    assert not wire.silent_presences


async def test_people_on_a_blocklist_disappear_from_the_who_list(dispatcher: Dispatcher) -> None:
    ada, bob = Wire(dispatcher), Wire(dispatcher)
    await ada.login("ada")
    await bob.login("bob")
    await ada.send(action="blocklist", usernames=["bob", "ada", "nobody-yet"])
    await ada.listed("ada")
    await bob.listed("bob")


async def test_a_webcam_frame_is_refused_once_and_then_ignored(dispatcher: Dispatcher) -> None:
    wire = Wire(dispatcher)
    await wire.login("wire")
    for action in ("open", "boot", "watch", "candidate", "sdp", "file", "video-invite", "made-up"):
        await wire.send(action=action, username="bob", usernames=["bob"], candidate="x", description="x")
    assert wire.errors == [ErrorCode.UNKNOWN_ACTION]


@pytest.mark.parametrize(
    ("claim", "found"),
    [
        ({"channel": "lobby", "username": "bob", "message": "<p>buy <strong>ropes</strong></p>"}, True),
        ({"channel": "@bob", "username": "bob", "message": "psst"}, True),
        ({"channel": "lobby", "username": "ada", "message": "buy **ropes**"}, False),
        ({"channel": "tea", "username": "bob", "message": "buy **ropes**"}, False),
        ({"channel": "n/a", "username": "bob", "message": "Kick reason: rude"}, False),
    ],
    ids=str,
)
async def test_a_report_without_a_number_is_found_in_the_record_or_refused(
    dispatcher: Dispatcher, claim: dict[str, str], found: bool
) -> None:
    ada, bob = Wire(dispatcher), Wire(dispatcher)
    await ada.login("ada")
    await bob.login("bob")
    await bob.send(action="message", channel="lobby", message="buy **ropes**")
    await bob.send(action="message", channel="@ada", message="psst")
    await ada.send(action="report", reason="Automated chatbot flag", timestamp="not recorded", comment="c", **claim)
    assert len(ada.reported) == found
    assert ada.errors == ([] if found else [ErrorCode.UNKNOWN_MESSAGE])


async def test_a_person_can_write_to_themselves_and_has_nothing_unread(dispatcher: Dispatcher) -> None:
    wire = Wire(dispatcher)
    await wire.login("wire")
    await wire.send(action="message", channel="@wire", message="milk")
    assert [each.channel for each in wire.messages] == ["@wire"]
    places = await dispatcher.broker.places(dispatcher.reader(wire.session), 100)
    assert [(each.channel, each.unread) for each in places] == [("@wire", 0)]
