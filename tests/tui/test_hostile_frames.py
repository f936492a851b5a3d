"""The client survives any frames, at a cost that grows at most linearly with their size."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.protocol.codec import BadFrame, decode_server, encode
from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import (
    CHAT_SERVER,
    Error,
    Me,
    Presence,
    Reacted,
    ReportEntry,
    ReportStatus,
    ServerFrame,
    Takeback,
    WhoEntry,
)
from tests.support.folding import fold, said, state
from tests.support.frames import KINDS, frame_of, lists
from tests.support.growth import assert_linear
from tui import limits
from tui.clean_frames import clean_frame
from tui.client import entries
from tui.client.coverage import BEGINNING
from tui.client.news import news
from tui.client.state import LEFT_OUT, ClientState
from tui.plain.output import Transcript

LARGEST = 1 << 13
LONGEST_LIST = 1 << 12
FLOOD = 1 << 12
COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
UNITS = {
    "plain": "a",
    "marks": "a\u0301\u0301",
    "joiners": "\u200d",
    "bidi": "\u202ea",
    "line ends": "\n\r\u2028",
    "tabs": "\t",
    "punycode": "www.xn--",
    "surrogates": "\\ud800",
    "names": "@ada, ",
}


def knowing() -> ClientState:
    """A state with some people, places and messages."""
    made = state(*(said(number) for number in range(1, 20)))
    fold(made, *[said(number, channel=f"@{number}") for number in range(20, 40)])
    return made


def take(into: ClientState, transcript: Transcript, data: bytes) -> None:
    """Process a frame as both front ends do."""
    try:
        frame = clean_frame(decode_server(data), into.leave_out)
    except BadFrame:
        return
    since = into.last_seen
    fold(into, frame)
    list(news([frame], into, since))
    for told in transcript.news():
        assert not COMMANDING.search(told.text)


def handle(data: bytes) -> None:
    """Process a frame where much is known already."""
    known = knowing()
    take(known, Transcript(known), data)


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_cost_of_a_frame_of_long_texts_is_linear(kind: type[ServerFrame], unit: str) -> None:
    assert_linear(lambda size: encode(frame_of(kind, unit * size)), handle, LARGEST)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in lists(kind)])
def test_cost_of_a_frame_of_a_long_list_is_linear(kind: type[ServerFrame], name: str) -> None:
    assert_linear(lambda size: encode(frame_of(kind, f"x{size}", size, name)), handle, LONGEST_LIST)


FLOODS: dict[str, Callable[[int], ServerFrame]] = {
    "reactions of one emoji": lambda number: Reacted(1, f"p{number}", "👍"),
    "reactions of many emoji": lambda number: Reacted(1, "p", f"e{number}"),
    "people": lambda number: Presence(f"p{number}", "", WhoEntry(f"p{number}", 1)),
    "notices": lambda number: Error(f"n{number}", ErrorCode.NOTICE, CHAT_SERVER),
    "places": lambda number: said(number + 100, channel=f"@p{number}"),
    "messages": lambda number: said(number + 100),
    "messages from the end": lambda number: said(10_000_000 - number),
    "messages with a nonce": lambda number: said(10_000_000 - number, nonce=f"n{number}"),
    "takebacks": lambda number: Takeback(number + 1000),
    "names": lambda number: Me(f"ada{number}", op=False),
    "reports": lambda number: status(f"r{number}", number + 1),
    "reasons": lambda number: status("r", 1, f"why {number}"),
}


def status(report_id: str, msg_id: int, why: str = "why") -> ReportStatus:
    """The status of some report."""
    at = datetime(2026, 3, 14, tzinfo=UTC)
    return ReportStatus(
        ReportEntry(
            report_id=report_id,
            msg_id=msg_id,
            about="bob",
            channel="lobby",
            at=at,
            message="text",
            reason="spam",
            comment="",
            reported_at=at,
            status=ReportState.WAITING,
            error=why,
        )
    )


@pytest.mark.parametrize("make", FLOODS.values(), ids=FLOODS.keys())
def test_cost_of_many_frames_is_linear(make: Callable[[int], ServerFrame]) -> None:
    def fold_all(frames: list[ServerFrame]) -> None:
        known = knowing()
        for frame in frames:
            fold(known, frame)
            known.timeline.pop_changes()

    assert_linear(lambda size: [make(number) for number in range(size)], fold_all, FLOOD)


@pytest.mark.parametrize("make", FLOODS.values(), ids=FLOODS.keys())
def test_the_state_of_a_server_that_never_stops_sending_is_bounded(
    make: Callable[[int], ServerFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {name: 50 for name in dir(limits) if name.startswith("MAX_") and name != "MAX_WEIGHT"}
    for name, value in {**small, "MAX_WEIGHT": 1000}.items():
        monkeypatch.setattr(limits, name, value)
    for module in (
        "tui.client.reactions.MAX_NAMES",
        "tui.client.reactions.MAX_EMOJI",
        "tui.client.own_reports.MAX_REPORTS",
    ):
        monkeypatch.setattr(module, 50)
    monkeypatch.setattr(entries, "CHANGES_KEPT", 1000)
    known = knowing()
    for number in range(4000):
        fold(known, make(number))
    largest = {name: getattr(known, name) for name in known.__struct_fields__}
    assert all(len(value) <= 1000 for value in largest.values() if isinstance(value, dict | list | set))
    assert sum(each.weight for each in known.timelines.values()) <= 2000
    assert all(each._changes.size <= 3000 for each in known.timelines.values())
    line = known.timelines["lobby"].find(1)
    assert line is None or sum(len(each.usernames) for each in line.reactions) <= 100


def test_a_full_timeline_keeps_the_newest_and_can_load_the_others_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_WEIGHT", 1000)
    known = state(*(said(number) for number in range(1, 5001)))
    timeline = known.timelines["lobby"]
    assert timeline.find(5000)
    assert not timeline.find(1)
    assert not timeline.covered.holds(BEGINNING)
    assert 900 <= len(timeline.entries) <= 1500
    assert timeline.weight == len(timeline.entries)


def test_a_hundred_thousand_messages_are_kept() -> None:
    known = state(*(said(number) for number in range(1, 100_001)))
    assert len(known.timelines["lobby"].entries) == 100_000


def test_user_is_notified_once_that_something_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PEOPLE", 2)
    known = state()
    fold(known, *[Presence(f"p{number}", "", WhoEntry(f"p{number}", 1)) for number in range(5)])
    assert [entry.text for entry in known.timeline.entries] == [LEFT_OUT]


EXTREMES = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["lobby", "tea", "@bob", "ada", "bob", "n1", "", "@", "👍", "notice", "bad-name", "\x1b[31m"]),
)


def values(kind: type[ServerFrame]) -> st.SearchStrategy[ServerFrame]:
    """Any frame of a type, with values from a small set, so that frames refer to each other."""
    return st.tuples(texts, st.integers(0, 3), st.sampled_from(["", *lists(kind)]), st.randoms()).map(
        lambda chosen: shuffled(frame_of(kind, *chosen[:3]), chosen[3].choice)
    )


def shuffled(frame: ServerFrame, choose: Callable[[Sequence[object]], object]) -> ServerFrame:
    """Return a frame with some of its values replaced by values from a small set."""
    small: dict[type, Sequence[object]] = {
        str: ["lobby", "tea", "@bob", "ada", "bob", "n1", "👍", "\u202e\n", ""],
        bool: [True, False],
        int: [1, 2, 3, 2**63 - 1],
        datetime: [*EXTREMES, *(each.replace(tzinfo=None) for each in EXTREMES)],
    }

    def changed(value: object) -> object:
        if isinstance(value, msgspec.Struct):
            fields = {name: changed(getattr(value, name)) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **fields)
        if isinstance(value, list):
            return [changed(each) for each in value]
        return choose([value, *small.get(type(value), ())])

    found = changed(frame)
    assert isinstance(found, type(frame))
    return found


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.one_of([values(kind) for kind in KINDS]), max_size=30))
def test_no_order_of_frames_breaks_the_client(frames: list[ServerFrame]) -> None:
    known = ClientState(now=lambda: datetime(2026, 3, 14, tzinfo=UTC))
    transcript = Transcript(known)
    for frame in frames:
        take(known, transcript, encode(frame))
    known.lost()
    assert known.unsent() == []
