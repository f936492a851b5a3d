"""Costs: reads and writes are charged, refused beyond the limit, and dropped for closed sessions."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from msgspec import structs

from server.handlers.dispatch import Dispatcher
from server.pacing.limiter import ADDRESS_SHARE
from server.protocol.codes import CUT, CloseCode, ErrorCode
from server.protocol.frames import (
    Block,
    Blocklist,
    ClientFrame,
    Echo,
    Edit,
    Error,
    HistoryRequest,
    Login,
    Message,
    Mute,
    Ping,
    ProfileRequest,
    React,
    Read,
    ReportReason,
    ReportRequest,
    ReportsRequest,
    Say,
    SearchRequest,
    SetStatus,
    Since,
    Takeback,
    Typing,
    Unblock,
    Unmute,
    Withdraw,
)
from server.reporting.desk import ReportDesk
from server.reporting.pending_requests import PendingRequests
from server.room.session import MAX_BUFFERED_BYTES, Session
from server.rules.messages import MessageDraft, Person
from server.settings import RoomLimits
from server.storage.broker import Broker
from tests.support.counting_database import CountingDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import UNLIMITED, WELCOME, dispatcher_over, receive, settle
from tests.support.stored_reports import TERMS

HERE, THERE = "203.0.113.9", "198.51.100.7"
ALICE = Person("alice", "a-1")
SPAM = "It's spam"

HISTORY = HistoryRequest("lobby", "n", limit=100)
REPORT = ReportRequest(1, SPAM, nonce="n")
READS: list[ClientFrame] = [HISTORY, SearchRequest("rope", "n", limit=100), ReportsRequest("n"), REPORT]
"""Frames that make the server read messages or reports, besides a login."""
MARK = Read("lobby", 1)
EDIT = Edit(1, "x" * 1000, "n")
STORES: list[ClientFrame] = [
    Say("lobby", "x" * 1000, "n"),
    EDIT,
    React(1, "👻"),
    Mute("alice"),
    Block("alice"),
    Blocklist(("alice",)),
    REPORT,
]
"""Frames that store something on disk."""
SAYS: list[ClientFrame] = [
    *STORES,
    Takeback(1),
    SetStatus("away"),
    Unmute("alice"),
    Unblock("alice"),
    Withdraw("r", "n"),
]
"""Frames that are written or broadcast."""
OTHERS: set[type] = {Login, Ping, Typing, ProfileRequest}
"""Frames that are charged differently, or cost no more than their bytes."""

READING = RoomLimits(messages_per_second=0, pages_burst=1, pages_per_second=0.01, stored_kilobytes_per_day=0)
STORING = RoomLimits(messages_per_second=0, pages_per_second=0, stored_kilobytes_per_day=1)
SAYING = RoomLimits(messages_burst=1, messages_per_second=0.01, pages_per_second=0, stored_kilobytes_per_day=0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[CountingDatabase]:
    database = CountingDatabase(str(tmp_path / "room.sqlite"))
    yield database
    await database.close()


@pytest.fixture
async def dispatcher(database: CountingDatabase) -> Dispatcher:
    """A dispatcher that accepts reports, with one message from alice."""
    dispatcher = dispatcher_over(Broker(database), database, UNLIMITED)
    welcome = structs.replace(WELCOME, report_reasons=[ReportReason(SPAM, comment_required=False)])
    reports = ReportDesk(database, dispatcher.hub, TERMS, [asyncio.Event()], PendingRequests())
    dispatcher.live = replace(dispatcher.live, welcome=welcome, reports=reports)
    await dispatcher.broker.publish(MessageDraft(ALICE, "lobby", None, "a rope", None))
    await dispatcher.people.joined(ALICE)
    return dispatcher


def connected(address: str = "") -> tuple[Session, RecordingOutlet]:
    """Return a session from an address that has not logged in."""
    outlet = RecordingOutlet()
    session = Session(outlet)
    session.address = address
    return session, outlet


async def entered(dispatcher: Dispatcher, name: str, address: str = "") -> tuple[Session, RecordingOutlet]:
    """Return a session that has logged in."""
    session, outlet = connected(address)
    receive(dispatcher, session, Login(name, f"the token of {name}"))
    await settle(dispatcher)
    return session, outlet


async def stored(dispatcher: Dispatcher) -> None:
    """Wait until everything written so far is stored."""
    await settle(dispatcher)
    await dispatcher.broker.publish(MessageDraft(ALICE, "quiet", None, "settled", None))


def too_fast(outlet: RecordingOutlet) -> list[str | None]:
    """Return the nonces of requests refused as too fast."""
    return [each.nonce for each in outlet.frames if isinstance(each, Error) and each.code == ErrorCode.TOO_FAST]


def nonce_of(frame: ClientFrame) -> str | None:
    """Return the nonce of a frame, if it has one."""
    return getattr(frame, "nonce", None)


def named(frame: object) -> str:
    """Return the name of a test case."""
    return type(frame).__name__


def test_every_frame_type_has_a_price() -> None:
    assert {type(frame) for frame in (*READS, *SAYS, MARK)} | OTHERS == set(get_args(ClientFrame))


@pytest.mark.parametrize(
    ("frame", "limits"),
    [(frame, READING) for frame in (*READS, MARK)]
    + [(frame, STORING) for frame in STORES]
    + [(frame, SAYING) for frame in SAYS],
    ids=[
        f"{kind} {named(frame)}"
        for kind, each in (("read", [*READS, MARK]), ("store", STORES), ("say", SAYS))
        for frame in each
    ],
)
async def test_each_request_is_charged_and_refused_beyond_the_limit(
    dispatcher: Dispatcher, database: CountingDatabase, frame: ClientFrame, limits: RoomLimits
) -> None:
    session, outlet = await entered(dispatcher, "bob")
    dispatcher.limiter.configure(limits)
    for number in range(50):
        if isinstance(frame, ReportRequest):
            # Report a different message each time, because repeated reports are refused.
            await dispatcher.broker.publish(MessageDraft(ALICE, "lobby", None, "a rope", None))
            receive(dispatcher, session, ReportRequest(number + 2, SPAM, nonce="n", add=True))
        else:
            receive(dispatcher, session, frame)
        session.delay_queue.stop()
        await stored(dispatcher)
        if too_fast(outlet):
            break
    refused = too_fast(outlet)
    assert refused == [nonce_of(frame)], "refused too late or too often"
    reads, writes = len(database.begun), database.writes
    receive(dispatcher, session, frame)
    await settle(dispatcher)
    assert database.writes == writes
    # The size of a report is known only after its message has been read.
    assert len(database.begun) == reads or (limits is STORING and isinstance(frame, ReportRequest))
    assert too_fast(outlet) == [nonce_of(frame)] * 2


@pytest.mark.parametrize(("frame", "limits"), [(HISTORY, READING), (STORES[0], STORING)], ids=["reading", "storing"])
async def test_many_people_of_one_address_share_its_budget(
    dispatcher: Dispatcher, frame: ClientFrame, limits: RoomLimits
) -> None:
    here = [await entered(dispatcher, f"mallory {number}", HERE) for number in range(ADDRESS_SHARE + 10)]
    there, other = await entered(dispatcher, "ada", THERE)
    dispatcher.limiter.configure(limits)
    for session, _ in here:
        receive(dispatcher, session, frame)
        session.delay_queue.stop()
    served = [outlet for _, outlet in here if not too_fast(outlet)]
    assert 1 <= len(served) <= 2 * ADDRESS_SHARE
    assert too_fast(here[-1][1]) == [nonce_of(frame)]
    receive(dispatcher, there, frame)
    assert not too_fast(other)
    await stored(dispatcher)


async def test_logins_are_charged_for_reads_and_refused_beyond_the_limit(dispatcher: Dispatcher) -> None:
    dispatcher.limiter.configure(READING)
    closed: list[CloseCode] = []
    for number in range(10):
        session, outlet = connected(HERE)
        receive(dispatcher, session, Login(f"mallory {number}", since=Since(dispatcher.broker.epoch, 0)))
        closed += outlet.closed
        dispatcher.on_close(session, CUT)
    assert set(closed) == {CloseCode.TRY_AGAIN_LATER}
    await settle(dispatcher)


async def test_a_client_that_scrolls_is_delayed_but_not_refused(dispatcher: Dispatcher) -> None:
    """The client requests a page once it has received the previous one."""
    dispatcher.limiter.configure(RoomLimits(pages_burst=2, pages_per_second=100))
    session, outlet = await entered(dispatcher, "bob")
    for number in range(20):
        receive(dispatcher, session, HistoryRequest("lobby", str(number)))
        async with asyncio.timeout(10):
            while not any(getattr(each, "nonce", None) == str(number) for each in outlet.frames):
                await asyncio.sleep(0.005)
    assert not too_fast(outlet)


LOGINS: list[ClientFrame] = [Login("bob", "the token of bob"), Login("bob", "the token of bob", Since("", 0))]


@pytest.mark.parametrize("frame", [*LOGINS, *READS[:3]], ids=named)
async def test_reads_for_a_closed_session_are_dropped(
    dispatcher: Dispatcher, database: CountingDatabase, frame: ClientFrame
) -> None:
    if isinstance(frame, Login):
        session, _ = connected()
        if frame.since:
            frame = Login(frame.username, frame.token, Since(dispatcher.broker.epoch, 0))
    else:
        session, _ = await entered(dispatcher, "bob")
    await stored(dispatcher)
    database.begun.clear()
    async with database.held_up():
        for _ in range(200):
            receive(dispatcher, session, frame)
        # Long enough for a login to start its reads.
        await asyncio.sleep(0.05)
        dispatcher.on_close(session, CUT)
        # A read that other logins could share is cancelled a few turns later.
        while dispatcher.tasks:
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
    await stored(dispatcher)
    assert database.begun == []
    assert not dispatcher.tasks


async def test_reads_for_a_replaced_session_are_dropped(dispatcher: Dispatcher, database: CountingDatabase) -> None:
    session, outlet = await entered(dispatcher, "bob")
    database.begun.clear()
    async with database.held_up():
        for _ in range(200):
            receive(dispatcher, session, HISTORY)
        new, _ = connected()
        receive(dispatcher, new, Login("bob", "the token of bob"))
        assert outlet.closed == [CloseCode.REPLACED]
    await settle(dispatcher)
    assert session.queue_key not in database.begun
    assert new.queue_key in database.begun


async def test_a_report_is_stored_after_its_reporter_has_disconnected(
    dispatcher: Dispatcher, database: CountingDatabase
) -> None:
    session, _ = await entered(dispatcher, "bob")
    async with database.held_up():
        receive(dispatcher, session, REPORT)
        dispatcher.on_close(session, CloseCode.NORMAL)
    await settle(dispatcher)
    again, outlet = await entered(dispatcher, "bob")
    receive(dispatcher, again, REPORT)
    await settle(dispatcher)
    assert [each.code for each in outlet.frames if isinstance(each, Error)] in ([], [ErrorCode.ALREADY_REPORTED])
    assert await database.read(lambda connection: connection.execute("SELECT count(*) FROM report").fetchone()) == (1,)


@pytest.mark.parametrize("frame", READS, ids=named)
async def test_every_read_is_scheduled_under_its_session(
    dispatcher: Dispatcher, database: CountingDatabase, frame: ClientFrame
) -> None:
    session, _ = await entered(dispatcher, "bob")
    database.begun.clear()
    receive(dispatcher, session, frame)
    await settle(dispatcher)
    assert set(database.begun) == {session.queue_key}


async def test_a_login_waits_for_at_most_two_reads_of_other_sessions(
    dispatcher: Dispatcher, database: CountingDatabase
) -> None:
    mallory, _ = await entered(dispatcher, "mallory", HERE)
    ada, outlet = connected(THERE)
    database.begun.clear()
    async with database.held_up():
        for _ in range(256):
            receive(dispatcher, mallory, HISTORY)
        receive(dispatcher, ada, Login("ada", since=Since(dispatcher.broker.epoch, 0)))
    async with asyncio.timeout(10):
        while not any(isinstance(each, Echo) for each in outlet.frames):
            await asyncio.sleep(0)
    waited = [others for key, others in database.overtaken if key == ada.queue_key]
    # One read in mallory's turn, and one that starts while ada logs in.
    assert waited
    assert max(waited) <= 2
    await settle(dispatcher)


async def test_the_buffer_of_a_session_that_catches_up_is_bounded(
    dispatcher: Dispatcher, database: CountingDatabase
) -> None:
    session, outlet = connected()
    async with database.held_up():
        receive(dispatcher, session, Login("bob", "the token of bob"))
        while not outlet.closed:
            await dispatcher.broker.publish(MessageDraft(ALICE, "lobby", None, "x" * 4000, None))
            assert dispatcher.broker.delivered * 4000 < 2 * MAX_BUFFERED_BYTES
        assert outlet.closed == [CloseCode.TRY_AGAIN_LATER]
        assert not [each for each in outlet.frames if isinstance(each, Message)]
        dispatcher.on_close(session, CloseCode.TRY_AGAIN_LATER)
    await settle(dispatcher)
    assert not [each for each in outlet.frames if isinstance(each, Echo)]


async def test_a_buffered_direct_message_is_sent_at_the_next_login(
    dispatcher: Dispatcher, database: CountingDatabase
) -> None:
    first, _ = await entered(dispatcher, "bob")
    bob = first.logged_in_person
    dispatcher.on_close(first, CloseCode.NORMAL)
    session, outlet = connected()
    async with database.held_up():
        receive(dispatcher, session, Login("bob", "the token of bob"))
        await dispatcher.broker.publish(MessageDraft(ALICE, "", bob, "psst", None))
        dispatcher.on_close(session, CloseCode.NORMAL)
    await settle(dispatcher)
    _, outlet = await entered(dispatcher, "bob")
    echoed = [message.message for each in outlet.frames if isinstance(each, Echo) for message in each.messages]
    assert "psst" in echoed


async def test_only_messages_are_refused_when_the_disk_is_full(
    dispatcher: Dispatcher, database: CountingDatabase
) -> None:
    session, outlet = await entered(dispatcher, "bob")
    dispatcher.disk_low = True
    receive(dispatcher, session, Say("lobby", "x", "n-1"))
    receive(dispatcher, session, React(1, "👻"))
    errors = [each for each in outlet.frames if isinstance(each, Error)]
    assert [(each.code, each.nonce) for each in errors] == [(ErrorCode.STORAGE, "n-1"), (ErrorCode.STORAGE, None)]
    own = await dispatcher.broker.publish(MessageDraft(session.logged_in_person, "lobby", None, "from before", None))
    others: list[ClientFrame] = [
        REPORT, Takeback(own.publication.msg_id), Mute("alice"), HISTORY, React(1, "👻", remove=True)
    ]  # fmt: skip
    for frame in others:
        receive(dispatcher, session, frame)
    await stored(dispatcher)
    assert len([each for each in outlet.frames if isinstance(each, Error)]) == len(errors)
    assert await database.read(lambda connection: connection.execute("SELECT count(*) FROM report").fetchone()) == (1,)
    await entered(dispatcher, "carol")
    dispatcher.disk_low = False
    receive(dispatcher, session, Say("lobby", "again", "n-2"))
    await stored(dispatcher)
    assert any(isinstance(each, Message) and each.nonce == "n-2" for each in outlet.frames)


async def test_the_refusal_of_a_used_up_budget_says_when_to_retry(dispatcher: Dispatcher) -> None:
    session, outlet = await entered(dispatcher, "bob")
    dispatcher.limiter.configure(STORING)
    for number in range(3):
        receive(dispatcher, session, Say("lobby", "x" * 300, str(number)))
    refusal = next(each for each in outlet.frames if isinstance(each, Error))
    assert refusal.code == ErrorCode.TOO_FAST
    assert refusal.message.endswith(" min.")
    await stored(dispatcher)


async def test_reports_have_a_budget_of_their_own(dispatcher: Dispatcher) -> None:
    session, outlet = await entered(dispatcher, "bob")
    dispatcher.limiter.configure(RoomLimits(messages_per_second=0, pages_per_second=0, stored_kilobytes_per_day=2))
    for number in range(3):
        receive(dispatcher, session, Say("lobby", "x" * 300, str(number)))
    assert too_fast(outlet)
    seen = len(too_fast(outlet))
    receive(dispatcher, session, REPORT)
    await stored(dispatcher)
    assert len(too_fast(outlet)) == seen
