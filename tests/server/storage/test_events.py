"""Events as JSON."""

from datetime import UTC, datetime

import pytest

from server.protocol.codes import ReportState
from server.protocol.frames import Reaction, WhoEntry
from server.rules.bans import Ban
from server.rules.evidence import Statement
from server.rules.messages import Person, Publication, Version
from server.rules.ranks import Rank
from server.rules.reactions import ReactionChange
from server.rules.relations import Relation
from server.rules.reports import StoredAddition, StoredReport
from server.rules.tokens import Claims
from server.storage.events import (
    KINDS,
    BanLifted,
    Banned,
    ClaimsAmended,
    DirectCleared,
    EntryChanged,
    Event,
    FrameSent,
    NodeGone,
    NodeOpened,
    PersonEntered,
    PersonExited,
    PersonJoined,
    PersonLeft,
    RankChanged,
    RelationsChanged,
    RemovalRequested,
    ReportChanged,
    ReportDeleted,
    ReportOpened,
    RoomRequest,
    RoomRequested,
    StoredChange,
    UnkeptChange,
    WaitingDelivered,
    body_of,
    event_of,
)

AT = datetime(2026, 11, 24, 2, 57, 0, 125000, tzinfo=UTC)
ADA, BOB = Person("Ada ⚓", "a-1"), Person("bob", "b-1")
ENTRY = WhoEntry("Ada ⚓", 1, "away", dnd=True, nickname="Ada L.")
SAID = Publication(7, AT, ADA, "lobby", None, 'a "rope"\n', None)
WHISPERED = Publication(
    msg_id=8,
    at=AT,
    author=ADA,
    channel="",
    peer=BOB,
    text="psst",
    nonce="n-1",
    taken_back=True,
    reactions=(Reaction("👻", ["bob", "eve"]),),
    edited_at=AT,
    versions=(Version(AT, "pst"),),
)
REPORT = StoredReport(
    *(
        "rep_1",
        ADA,
        7,
        Statement("ada", "bob", "lobby", 7, AT, "psst\n", "It's spam", ""),
        ReportState.RECEIVED,
        "",
        None,
    ),
    *("", True, False, (StoredAddition(9, "Other", "naïve ☃"),)),
)
EXAMPLES: list[Event] = [
    StoredChange(SAID),
    StoredChange(WHISPERED, ReactionChange(8, BOB, "👻", remove=False)),
    UnkeptChange(WHISPERED, edited=True),
    WaitingDelivered((WHISPERED, SAID)),
    DirectCleared("a-1"),
    RelationsChanged((Relation("a-1", "b-1", "bob", True, 7),), (Relation("a-1", "e-1", "eve", False),)),
    Banned(Ban("bob", "", 1_800_000_000_000, "ada")),
    BanLifted("bob"),
    PersonJoined(ADA, 1_700_000_000_000, returns=True, member=False),
    PersonLeft(ADA, 1_700_000_000_000),
    ReportOpened(REPORT, BOB, "s-1"),
    ReportChanged(REPORT._replace(status=ReportState.WAITING, error="status 500", next_at=8), answered=True),
    ReportDeleted("rep_1"),
    PersonEntered(ADA, "n", 7, ENTRY, Rank.VIP, member=True, number=9),
    EntryChanged(ADA, "n", 7, ENTRY, Rank.OPERATOR, was_hidden=True),
    PersonExited(ADA, "n", 7, "has exited the room!"),
    NodeOpened("n", {"Title": "1f"}),
    NodeGone("n"),
    FrameSent("a-1", '{"action":"pong"}', "n"),
    RemovalRequested("a-1", "", "You were kicked.", "has been kicked from the room!", "Removed."),
    RankChanged("a-1", op=True),
    ClaimsAmended("a-1", Claims(vip=True, nick="Ada L.", rules=("redcam",))),
    RoomRequested(RoomRequest.RELOAD, "n"),
]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_an_event_survives_a_round_trip_through_json(event: Event) -> None:
    again = event_of(type(event).__name__, body_of(event))
    assert (type(again), again) == (type(event), event)


def test_there_is_an_example_of_each_kind_of_event() -> None:
    assert {*map(type, EXAMPLES)} == {*KINDS.values()}
