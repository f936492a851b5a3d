"""The who list in pages: complete, bounded, and encoded again only where it has changed."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.protocol.frames import ServerFrame, Who, WhoEntry
from server.room import who_pages
from server.room.session import Session
from server.room.who_pages import WhoPages
from server.rules.messages import Person
from tests.support.recording_outlet import RecordingOutlet

PAGE = 3


@pytest.fixture(autouse=True, scope="module")
def _short_pages() -> Iterator[None]:
    """Make pages of a few people, so that few changes fill, empty and refill them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(who_pages, "PAGE", PAGE)
        yield


def session(name: str) -> Session:
    made = Session(RecordingOutlet())
    made.log_in(Person(name, f"{name}-1"))
    return made


def frames(wires: list[bytes]) -> list[ServerFrame]:
    outlet = RecordingOutlet()
    for wire in wires:
        outlet.write(wire)
    return outlet.frames


def listed(pages: WhoPages, hidden: frozenset[str] = frozenset()) -> list[WhoEntry]:
    """Return the people of all frames, which must be a complete who list."""
    lists = [frame for frame in frames(pages.wires(hidden)) if isinstance(frame, Who)]
    assert all(0 < len(frame.who_list) <= PAGE for frame in lists)
    assert [frame.more for frame in lists] == [True] * (len(lists) - 1) + [False] * bool(lists)
    return [entry for frame in lists for entry in frame.who_list]


CHANGES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["online", "away", None])), max_size=40)


@settings(max_examples=60)
@given(CHANGES, st.frozensets(st.integers(0, 9).map(lambda number: f"p{number}-1"), min_size=1))
def test_pages_list_everyone_with_their_latest_entry(
    changes: list[tuple[int, str | None]], hidden: frozenset[str]
) -> None:
    pages, sessions = WhoPages(), [session(f"p{number}") for number in range(10)]
    here: dict[str, WhoEntry] = {}
    for number, status in changes:
        name = f"p{number}"
        if status is None:
            pages.remove(sessions[number])
            here.pop(name, None)
        else:
            here[name] = WhoEntry(name, 1, status)
            pages.set(sessions[number], here[name])
        assert {entry.username: entry for entry in listed(pages)} == here
        assert len(listed(pages)) == len(here)
    visible = {name: entry for name, entry in here.items() if f"{name}-1" not in hidden}
    if visible:
        assert {entry.username: entry for entry in listed(pages, hidden)} == visible


def test_only_a_changed_page_is_encoded_again() -> None:
    pages, sessions = WhoPages(), [session(f"p{number}") for number in range(3 * PAGE)]
    for each in sessions:
        pages.set(each, each.who_entry(each.logged_in_person))
    before = pages.wires()
    pages.set(sessions[PAGE], WhoEntry(f"p{PAGE}", 1, "away"))
    after = pages.wires()
    assert [one is other for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_a_whole_list_is_one_frame_with_all_fields() -> None:
    pages = WhoPages()
    for number in range(2 * PAGE):
        pages.set(session(f"p{number}"), WhoEntry(f"p{number}", 1))
    payload = pages.whole(frozenset({"p1-1"}))
    (frame,) = frames([payload])
    assert isinstance(frame, Who)
    assert [entry.username for entry in frame.who_list] == ["p0", "p2", "p3", "p4", "p5"]
    assert payload.count(b'"status":"online","video":0,"op":false,"dnd":false') == 2 * PAGE - 1
