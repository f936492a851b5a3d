"""Who may do what: every action by everyone, against a table written by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, get_args

import pytest
from msgspec import structs

from server.handlers.dispatch import Dispatcher
from server.protocol.frames import (
    Block,
    Blocklist,
    ClientFrame,
    Echo,
    Edit,
    Error,
    Frame,
    History,
    HistoryRequest,
    Login,
    Message,
    Mute,
    Ping,
    Places,
    ProfileRequest,
    React,
    Read,
    ReportReason,
    ReportRequest,
    ReportsRequest,
    Say,
    SearchRequest,
    SearchResults,
    SetStatus,
    Takeback,
    Typing,
    Unblock,
    Unmute,
    Withdraw,
)
from server.reporting.desk import ReportDesk
from server.reporting.pending_requests import PendingRequests
from server.room.session import Session
from server.rules.ranks import Rank
from server.settings import PublicChannel
from server.storage.base import Marker
from server.storage.broker import Broker
from server.storage.sqlite_database import SqliteDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import UNLIMITED, WELCOME, dispatcher_over, enter, receive, settle
from tests.support.stored_reports import TERMS

SPAM = "It's spam"
PUBLIC, CLOSED, DIRECT = 1, 2, 3
"""Messages by ada: in the lobby, in the channel for VIPs, and to eve."""
CHANNELS = [PublicChannel("lobby", "Lobby"), PublicChannel("vip", "Only VIPs", vip=True)]

ROLES = ("person", "vip", "operator", "muted", "blocked", "disconnected")
"""A guest or member, a VIP, an operator; someone whom ada has muted, or blocked; someone who is not logged in."""
HIDDEN, CHANNEL, OUT = "unknown-message", "unknown-channel", "not-logged-in"
ACTIONS: list[tuple[Frame, tuple[str, ...]]] = [
    (Ping(), ("", "", "", "", "", "")),
    (Say("lobby", "hello"), ("", "", "", "", "", OUT)),
    (Say("vip", "hello"), (CHANNEL, "", "", CHANNEL, CHANNEL, OUT)),
    (Say("", "hello"), (CHANNEL, CHANNEL, CHANNEL, CHANNEL, CHANNEL, OUT)),
    (Say("@ada", "hello"), ("", "", "", "", "not-here", OUT)),
    (Typing("@ada"), ("", "", "", "", "", OUT)),
    (HistoryRequest("lobby", "n"), ("", "", "", "", "", OUT)),
    (HistoryRequest("vip", "n"), (CHANNEL, "", "", CHANNEL, CHANNEL, OUT)),
    (SearchRequest("ropes", "n"), ("", "", "", "", "", OUT)),
    (SearchRequest("ropes in:vip", "n"), (CHANNEL, "", "", CHANNEL, CHANNEL, OUT)),
    (Read("lobby", PUBLIC), ("", "", "", "", "", OUT)),
    (Read("vip", CLOSED), (CHANNEL, "", "", CHANNEL, CHANNEL, OUT)),
    (React(PUBLIC, "👍"), ("", "", "", "", HIDDEN, OUT)),
    (React(CLOSED, "👍"), (HIDDEN, "", "", HIDDEN, HIDDEN, OUT)),
    (React(DIRECT, "👍"), (HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, OUT)),
    # The block came after the message, which both have seen.
    (ReportRequest(PUBLIC, SPAM), ("", "", "", "", "", OUT)),
    (ReportRequest(CLOSED, SPAM), (HIDDEN, "", "", HIDDEN, HIDDEN, OUT)),
    (ReportRequest(DIRECT, SPAM), (HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, OUT)),
    (
        ReportRequest(reason=SPAM, channel="vip", username="ada", message="closed ropes", add=True),
        (HIDDEN, "", "", HIDDEN, HIDDEN, OUT),
    ),
    (ReportsRequest("n"), ("", "", "", "", "", OUT)),
    (Withdraw("rep_of_another"), ("unknown-report",) * 5 + (OUT,)),
    (Edit(PUBLIC, "changed"), ("not-yours", "not-yours", "not-yours", "not-yours", HIDDEN, OUT)),
    (Edit(CLOSED, "changed"), (HIDDEN, "not-yours", "not-yours", HIDDEN, HIDDEN, OUT)),
    (Edit(DIRECT, "changed"), (HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, OUT)),
    (ProfileRequest("ada", "n"), ("webhook-off",) * 5 + (OUT,)),
    (SetStatus("away"), ("", "", "", "", "", OUT)),
    (Mute("eve"), ("", "", "", "", "", OUT)),
    (Unmute("eve"), ("", "", "", "", "", OUT)),
    (Blocklist(("eve",)), ("", "", "", "", "", OUT)),
    (Block("eve"), ("", "", "", "", "", OUT)),
    (Unblock("eve"), ("", "", "", "", "", OUT)),
    (Takeback(DIRECT), (HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, OUT)),
    (Takeback(CLOSED), (HIDDEN, "not-yours", "", HIDDEN, HIDDEN, OUT)),
    (Takeback(PUBLIC), ("not-yours", "not-yours", "", "not-yours", HIDDEN, OUT)),
]
"""Actions, in an order in which none affects a later one, and the error for each role; "" if it is allowed."""
READABLE = {
    "person": {"public ropes"},
    "vip": {"public ropes", "closed ropes"},
    "operator": {"public ropes", "closed ropes"},
    "muted": {"public ropes"},
    "blocked": set[str](),
}
"""What each role receives, echoed, in the history and in search results."""


class Actor(NamedTuple):
    """Somebody in a room with ada and eve."""

    dispatcher: Dispatcher
    session: Session
    outlet: RecordingOutlet

    async def errors(self, frame: Frame) -> str:
        """Send a frame; return the codes of the errors that it causes."""
        before = len(self.outlet.frames)
        receive(self.dispatcher, self.session, frame)
        await stored(self.dispatcher)
        return " ".join(each.code for each in self.outlet.frames[before:] if isinstance(each, Error))


async def stored(dispatcher: Dispatcher) -> None:
    """Wait until everything sent so far is stored and answered."""
    await settle(dispatcher)
    await dispatcher.broker.mark_read("nobody", Marker("tea", 1))
    await settle(dispatcher)


def ranked(session: Session, role: str) -> None:
    """Give a session the rank of a role before it logs in."""
    session.rank = {"vip": Rank.VIP, "operator": Rank.OPERATOR}.get(role, Rank.PERSON)


@asynccontextmanager
async def room(directory: Path) -> AsyncIterator[Dispatcher]:
    """Open a room with reports and a channel for VIPs."""
    database = SqliteDatabase(str(directory / "room.sqlite"))
    dispatcher = dispatcher_over(Broker(database), database, UNLIMITED)
    welcome = structs.replace(WELCOME, report_reasons=[ReportReason(SPAM, comment_required=False)])
    reports = ReportDesk(database, dispatcher.hub, TERMS, [asyncio.Event()], PendingRequests())
    dispatcher.go_live(replace(dispatcher.live, welcome=welcome, reports=reports, channels=CHANNELS))
    yield dispatcher
    await database.close()


async def join(dispatcher: Dispatcher, role: str) -> Actor:
    outlet = RecordingOutlet()
    session = Session(outlet)
    ranked(session, role)
    if role != "disconnected":
        receive(dispatcher, session, Login("actor", dialect="flagpost"))
        await stored(dispatcher)
    return Actor(dispatcher, session, outlet)


async def said(dispatcher: Dispatcher) -> None:
    """Let ada speak everywhere; she is a VIP, and eve is here."""
    ada, _ = await enter(dispatcher, "ada", "the token of ada")
    await enter(dispatcher, "eve", "the token of eve")
    ada.rank = Rank.VIP
    for place, text in (("lobby", "public ropes"), ("vip", "closed ropes"), ("@eve", "direct ropes")):
        receive(dispatcher, ada, Say(place, text))
    await stored(dispatcher)


async def relate(dispatcher: Dispatcher, role: str) -> None:
    ada = dispatcher.hub.sessions.get("ada")
    assert ada
    if role in {"muted", "blocked"}:
        receive(dispatcher, ada, Mute("actor") if role == "muted" else Block("actor"))
        await stored(dispatcher)


def test_the_table_of_permissions_has_every_action() -> None:
    assert {type(frame) for frame, _ in ACTIONS} | {Login} == set(get_args(ClientFrame))


@pytest.mark.parametrize("role", ROLES)
async def test_every_action_is_allowed_or_refused_as_in_the_table(tmp_path: Path, role: str) -> None:
    async with room(tmp_path) as dispatcher:
        await said(dispatcher)
        actor = await join(dispatcher, role)
        await relate(dispatcher, role)
        found = [(frame, await actor.errors(frame)) for frame, _ in ACTIONS]
    assert found == [(frame, outcomes[ROLES.index(role)]) for frame, outcomes in ACTIONS]


def texts(messages: list[Message]) -> set[str]:
    """Return the texts that mention ropes."""
    return {each.message for each in messages if each.message.endswith("ropes")}


@pytest.mark.parametrize("role", READABLE)
async def test_echo_search_and_history_contain_only_what_the_reader_may_read(tmp_path: Path, role: str) -> None:
    async with room(tmp_path) as dispatcher:
        actor = await join(dispatcher, role)
        await said(dispatcher)
        live = [each for each in actor.outlet.frames if isinstance(each, Message)]
        await relate(dispatcher, role)
        actor.outlet.frames.clear()
        for frame in (
            HistoryRequest("lobby", "n"),
            HistoryRequest("vip", "n"),
            HistoryRequest("@eve", "n"),
            SearchRequest("ropes", "n"),
        ):
            receive(dispatcher, actor.session, frame)
        await stored(dispatcher)
        paged = [one for each in actor.outlet.frames if isinstance(each, History) for one in each.messages]
        found = [one for each in actor.outlet.frames if isinstance(each, SearchResults) for one in each.messages]
        again = await join(dispatcher, role)
        echoed = [one for each in again.outlet.frames if isinstance(each, Echo) for one in each.messages]
        places = {one.channel for each in again.outlet.frames if isinstance(each, Places) for one in each.places}
    # The block came after ada had spoken.
    assert texts(live) == (READABLE[role] or {"public ropes"})
    assert texts(paged) == texts(found) == READABLE[role]
    # It is a new person who logs in again, whom nobody has blocked.
    assert texts(echoed) == (READABLE[role] or {"public ropes"})
    assert ("vip" in places) == ("closed ropes" in READABLE[role])


async def test_only_those_who_can_read_a_vip_channel_learn_that_it_exists(tmp_path: Path) -> None:
    async with room(tmp_path) as dispatcher:
        listed = {rank: [channel.id for channel in dispatcher.live.welcome_for(rank).channels] for rank in Rank}
    assert "vip" not in listed[Rank.PERSON]
    assert listed[Rank.VIP] == listed[Rank.OPERATOR] == ["lobby", "vip"]
