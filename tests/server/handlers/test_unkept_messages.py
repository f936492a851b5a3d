"""A room that does not keep direct messages: what is delivered, what is stored, and what can be reported."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sized
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec import structs

from server.handlers.dispatch import Dispatcher
from server.protocol.codes import CloseCode
from server.protocol.frames import (
    Echo,
    Edit,
    Error,
    Frame,
    History,
    HistoryRequest,
    Login,
    Message,
    React,
    ReportReason,
    ReportRequest,
    ReportStatus,
    Say,
    SearchRequest,
    SearchResults,
    Since,
    Takeback,
)
from server.reporting.desk import ReportDesk
from server.reporting.pending_requests import PendingRequests
from server.room.session import MAX_PENDING_REQUESTS, Session
from server.storage import retention
from server.storage.base import Marker, Reader
from server.storage.broker import Broker
from server.storage.direct_broker import DirectBroker
from server.storage.fair import QueueKey
from server.storage.retention import DAY_MILLISECONDS, KeptDays
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import UNLIMITED, WELCOME, dispatcher_over, receive, settle
from tests.support.stored_reports import TERMS

SPAM = "It's spam"
SECRET = "meet me at the old mill"


class Member:
    """A user in the room, and what they receive."""

    def __init__(self, dispatcher: Dispatcher, name: str) -> None:
        self.dispatcher, self.name = dispatcher, name
        self.outlet = RecordingOutlet()
        self.session = Session(self.outlet)

    async def enter(self, since: Since | None = None) -> "Member":
        """Log in."""
        await self.send(Login(self.name, f"the secret token of {self.name}", since))
        return self

    async def send(self, *frames: Frame) -> None:
        """Send frames, and wait until everything that they cause has arrived."""
        for frame in frames:
            receive(self.dispatcher, self.session, frame)
        await settle(self.dispatcher)
        await self.dispatcher.broker.mark_read("nobody", Marker("tea", 1))
        await settle(self.dispatcher)

    def leave(self, code: int = CloseCode.NORMAL) -> None:
        """Close the connection."""
        self.dispatcher.on_close(self.session, code)

    @property
    def heard(self) -> list[str]:
        """Return the texts of messages, echoed or new."""
        echoed = [one for each in self.outlet.frames if isinstance(each, Echo) for one in each.messages]
        return [each.message for each in (*echoed, *(one for one in self.outlet.frames if isinstance(one, Message)))]

    def got(self, kind: type[Frame]) -> list[Frame]:
        """Return the received frames of a kind."""
        return [each for each in self.outlet.frames if isinstance(each, kind)]


class Room(NamedTuple):
    """A dispatcher, its database, and the directory of the database."""

    dispatcher: Dispatcher
    database: SqliteDatabase
    directory: Path

    def on_disk(self, text: str) -> bool:
        """Return whether a text, or a part of it, is in any of the files."""
        parts = [text.encode()[start : start + 12] for start in (0, len(text) - 12)]
        files = [file.read_bytes() for file in self.directory.iterdir()]
        return any(part in content for part in parts for content in files)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    dispatcher = dispatcher_over(DirectBroker(database), database, UNLIMITED)
    welcome = structs.replace(WELCOME, report_reasons=[ReportReason(SPAM, comment_required=False)])
    reports = ReportDesk(database, dispatcher.hub, TERMS, [asyncio.Event()], PendingRequests())
    dispatcher.go_live(replace(dispatcher.live, welcome=welcome, reports=reports, keeps_direct=False))
    yield Room(dispatcher, database, tmp_path)
    await database.close()


@pytest.fixture
async def ada(room: Room) -> Member:
    return await Member(room.dispatcher, "ada").enter()


@pytest.fixture
async def bob(room: Room, ada: Member) -> Member:
    return await Member(room.dispatcher, "bob").enter()


async def test_a_message_to_someone_here_is_delivered_and_never_stored(room: Room, ada: Member, bob: Member) -> None:
    await ada.send(Say("@bob", SECRET, "n-1"), Say("@bob", SECRET, "n-1"), Say("lobby", "in public"))
    assert bob.heard == [SECRET, "in public"]
    assert ada.heard.count(SECRET) >= 1
    await bob.send(HistoryRequest("@ada", "n"), SearchRequest("mill", "n"))
    assert [each.messages for each in bob.outlet.frames if isinstance(each, History | SearchResults)] == [[], []]
    assert not room.on_disk(SECRET)
    assert room.on_disk("in public")


async def test_a_nonce_of_another_message_is_refused_and_does_not_stay_pending(ada: Member, bob: Member) -> None:
    await ada.send(Say("@bob", SECRET, "n-1"))
    await ada.send(*(Say("@bob", f"another {number}", "n-1") for number in range(MAX_PENDING_REQUESTS)))
    assert [each.code for each in ada.outlet.frames if isinstance(each, Error)] == ["nonce-used"] * MAX_PENDING_REQUESTS
    assert not ada.outlet.paused
    assert bob.heard == [SECRET]


async def test_unkept_message_can_be_reported_and_the_report_is_kept(room: Room, ada: Member, bob: Member) -> None:
    await ada.send(Say("@bob", "before"), Say("@bob", SECRET))
    await bob.send(ReportRequest(2, SPAM))
    assert [each.report.message for each in bob.outlet.frames if isinstance(each, ReportStatus)] == [SECRET]
    assert room.on_disk(SECRET)
    await bob.send(ReportRequest(reason=SPAM, channel="@ada", username="ada", message="<p>before</p>"))
    assert [each.report.message for each in bob.outlet.frames if isinstance(each, ReportStatus)][1:] == ["before"]


async def test_unkept_message_can_be_edited_reacted_to_and_deleted(ada: Member, bob: Member) -> None:
    await ada.send(Say("@bob", "helo"))
    await ada.send(Edit(1, "hello"), React(1, "👍"))
    await bob.send(React(1, "👍"), React(1, "👍", remove=True), Takeback(1))
    await ada.send(Takeback(1))
    assert [type(each).__name__ for each in bob.outlet.frames[-6:]] == [
        "Edited", "Reacted", "Reacted", "Reacted", "Error", "Takeback",
    ]  # fmt: skip


async def test_a_client_that_reconnects_receives_what_it_missed(room: Room, ada: Member, bob: Member) -> None:
    await ada.send(Say("lobby", "one"), Say("@bob", "two"))
    bob.leave(1006)
    again = await Member(room.dispatcher, "bob").enter(Since(room.dispatcher.broker.epoch, 1))
    assert again.heard == ["two"]
    again.leave(1006)
    assert (await Member(room.dispatcher, "bob").enter()).heard[-1:] == ["two"]


async def test_a_message_to_someone_away_is_stored_until_it_is_delivered_once(
    room: Room, ada: Member, bob: Member
) -> None:
    bob.leave()
    await ada.send(Say("@bob", "meet me at the mill"))
    await ada.send(Edit(1, SECRET), SearchRequest("mill", "n"))
    assert [each.messages for each in ada.outlet.frames if isinstance(each, SearchResults)] == [[]]
    assert room.on_disk(SECRET)
    back = await Member(room.dispatcher, "bob").enter()
    assert back.heard == [SECRET]
    assert await room.database.read(lambda connection: connection.execute("SELECT * FROM message").fetchall()) == []
    await back.send(ReportRequest(1, SPAM))
    assert back.got(ReportStatus)
    back.leave()
    assert SECRET not in (await Member(room.dispatcher, "bob").enter()).heard


@pytest.mark.parametrize(
    "ask",
    [
        lambda broker, _: broker.find_all([1, 2]),
        lambda broker, reader: broker.texts_by(reader, "ada", "@ada"),
        lambda broker, reader: broker.numbers(reader, "@ada", 3, 10),
    ],
    ids=["find_all", "texts_by", "numbers"],
)
async def test_a_message_is_found_once_while_it_moves_from_the_database_to_memory(
    room: Room,
    ada: Member,
    bob: Member,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[Broker, Reader], Awaitable[Sized]],
) -> None:
    bob.leave()
    await ada.send(Say("@bob", "before", "n-1"), Say("@bob", SECRET, "n-2"))
    broker, read = room.dispatcher.broker, room.database.read
    person = bob.session.logged_in_person

    async def read_as_one_is_delivered(work: Callable[[SqlConnection], object], key: QueueKey) -> object:
        broker.delivered_to(person, [1])
        # Writes are in order.
        await room.database.write(lambda _: None)
        return await read(work, key)

    monkeypatch.setattr(room.database, "read", read_as_one_is_delivered)
    assert len(await ask(broker, Reader(person, ["lobby"]))) == 2


async def test_nobody_else_can_report_or_change_an_unkept_message(ada: Member, bob: Member, room: Room) -> None:
    eve = await Member(room.dispatcher, "eve").enter()
    await ada.send(Say("@bob", SECRET))
    await eve.send(ReportRequest(1, SPAM), React(1, "👍"), Takeback(1), Edit(1, "x"))
    assert [each.code for each in eve.outlet.frames if isinstance(each, Error)] == ["unknown-message"] * 4
    assert SECRET not in eve.heard


async def test_the_direct_messages_of_a_person_can_be_cleared(room: Room, ada: Member, bob: Member) -> None:
    room.dispatcher.go_live(replace(room.dispatcher.live, keeps_direct=True))
    await ada.send(Say("@bob", "one"), Say("@ada", "two"), Say("lobby", "three"))
    await bob.send(Say("@ada", "four"))
    assert await room.dispatcher.broker.clear_direct(bob.session.logged_in_person.identity) == 2
    await ada.send(HistoryRequest("@bob", "n"), HistoryRequest("@ada", "n"), HistoryRequest("lobby", "n"))
    pages = [[one.message for one in each.messages] for each in ada.outlet.frames if isinstance(each, History)]
    assert pages == [[], ["two"], ["three"]]


@pytest.mark.parametrize(
    ("days", "left"),
    [
        (KeptDays(30, 30), ["old", "new", "public"]),
        (KeptDays(30, 30, direct=7), ["new", "public"]),
        (KeptDays(30, 30, keeps_direct=False), ["public"]),
    ],
    ids=["kept for ever", "kept for days", "not kept"],
)
async def test_kept_messages_are_deleted_as_the_settings_say(
    room: Room, ada: Member, bob: Member, days: KeptDays, left: list[str]
) -> None:
    room.dispatcher.go_live(replace(room.dispatcher.live, keeps_direct=True))
    await ada.send(Say("@bob", "old"), Say("@bob", "new"), Say("lobby", "public"))
    bob.leave()
    await ada.send()

    def sweep(connection: SqlConnection) -> list[str]:
        connection.execute("UPDATE message SET at = at - ? WHERE text = 'old'", (8 * DAY_MILLISECONDS,))
        (now,) = connection.execute("SELECT max(at) FROM message").fetchone()
        retention.sweep(connection, now, days)
        return [text for (text,) in connection.execute("SELECT text FROM message ORDER BY id")]

    assert await room.database.write(sweep) == left
