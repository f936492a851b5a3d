"""Loading messages: gaps are filled from either edge, and a message is shown with what is around it."""

from collections.abc import Iterator
from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st

from server.protocol.frames import Echo, History, HistoryRequest, Me, PlaceEntry, Places
from tests.support.folding import error, fold, numbers, said, state, texts, welcome
from tui.client.coverage import BEGINNING, END, Coverage, Hole
from tui.client.entries import is_gap
from tui.client.fold import NOT_THERE
from tui.client.loading import ask_page, ask_shown
from tui.client.state import ClientState
from tui.client.timeline import GAP

LAST = 400


def nonces() -> Iterator[str]:
    return (f"n{number}" for number in count())


def answer(request: HistoryRequest, stored: range | list[int] = range(1, LAST + 1)) -> History:
    """Return a page as the server does."""
    low, high = request.after_id or 0, request.before_id or END
    between = [number for number in stored if low < number < high]
    forward = request.after_id is not None
    page = between[: request.limit] if forward else between[-request.limit :]
    messages = [said(number, channel=request.channel) for number in page]
    return History(request.channel, messages, len(page) < len(between), request.nonce)


def away(*, last: int = LAST) -> ClientState:
    """Return a client that missed more than the server sends at once, with 1 to 10 and the last five loaded."""
    made = state(Echo([said(number) for number in range(1, 11)]), Places([PlaceEntry("lobby", 10)]))
    made.lost()
    missed = [said(number) for number in range(last - 4, last + 1)]
    fold(made, welcome(), Me("ada", op=False), Echo(missed, recovered=False), Places([PlaceEntry("lobby", last)]))
    return made


def holds(made: ClientState) -> list[int]:
    return numbers(made.timeline)


def gaps(made: ClientState) -> int:
    return sum(is_gap(each) for each in made.timeline.entries)


def test_a_gap_is_filled_from_its_upper_edge_until_it_closes() -> None:
    made, names = away(), nonces()
    assert texts(made.timeline)[10] == GAP
    before = []
    while asked := ask_page(made, 10, next(names)):
        before.append(asked.before_id)
        fold(made, answer(asked))
    assert before[:2] == [396, 346]
    assert holds(made) == list(range(1, LAST + 1))
    assert gaps(made) == 0


def test_a_gap_is_filled_from_its_lower_edge_until_it_closes() -> None:
    made, names, low = away(), nonces(), 10
    after = []
    while asked := ask_page(made, low, next(names), forward=True):
        after.append(asked.after_id)
        fold(made, answer(asked))
        low += 50
    assert after[:2] == [10, 60]
    assert holds(made) == list(range(1, LAST + 1))
    assert gaps(made) == 0


def test_a_place_in_which_nothing_was_missed_has_no_gap() -> None:
    made = state(Echo([said(1), said(2, channel="tea")]), Places([PlaceEntry("lobby", 1), PlaceEntry("tea", 2)]))
    made.lost()
    fold(made, welcome(), Me("ada", op=False), Echo([said(90)], recovered=False))
    fold(made, Places([PlaceEntry("lobby", 90), PlaceEntry("tea", 2)]))
    assert texts(made.timeline) == ["1", GAP, "90"]
    assert texts(made.timelines["tea"]) == ["2"]


def test_a_gap_at_the_end_is_filled_as_well() -> None:
    made = state(Echo([said(1), said(2)]))
    made.lost()
    fold(made, welcome(), Me("ada", op=False), Echo(recovered=False))
    assert texts(made.timeline) == ["1", "2", GAP]
    asked = ask_page(made, 2, "n1")
    assert asked == HistoryRequest("lobby", "n1", 0)
    fold(made, answer(asked, [1, 2, 3, 4]))
    assert texts(made.timeline) == ["1", "2", "3", "4"]


def test_the_same_page_is_requested_once_at_a_time() -> None:
    made = away()
    assert ask_page(made, 10, "n1")
    assert ask_page(made, 10, "n2") is None
    fold(made, error("storage", "no", "n1"))
    assert ask_page(made, 10, "n3")
    made.lost()
    assert ask_page(made, 10, "n4")


def test_a_message_is_loaded_with_its_surroundings_and_nothing_in_between() -> None:
    made, names = state(Echo([said(number) for number in range(380, LAST + 1)]), Places([])), nonces()
    made.go_to("lobby", 100)
    asked = ask_shown(made, lambda: next(names))
    assert [(each.before_id, each.after_id) for each in asked] == [(101, None), (0, 100)]
    assert ask_shown(made, lambda: next(names)) == []
    for each in asked:
        fold(made, answer(each))
    assert made.arrived() == 100
    assert holds(made) == [*range(81, 181), *range(380, LAST + 1)]
    assert (gaps(made), made.timeline.covered.holds(BEGINNING)) == (1, False)
    assert ask_page(made, BEGINNING, "older") == HistoryRequest("lobby", "older", 81)
    assert ask_page(made, 180, "upper") == HistoryRequest("lobby", "upper", 380)
    assert ask_page(made, 180, "lower", forward=True) == HistoryRequest("lobby", "lower", 380, after_id=180)


def test_a_message_is_reported_missing_only_if_the_server_said_so() -> None:
    made = state(Echo([said(number) for number in range(380, LAST + 1)]), Places([]))
    made.go_to("lobby", 100)
    (before, after) = ask_shown(made, iter(["n1", "n2"]).__next__)
    fold(made, answer(after))
    assert (made.wanted, made.arrived()) == (100, 0)
    fold(made, answer(before, [99, *range(101, LAST + 1)]))
    assert (made.wanted, texts(made.timeline)[-1]) == (0, NOT_THERE)


def test_a_failed_request_does_not_make_a_message_vanish() -> None:
    made = state(Echo([said(LAST)]), Places([]))
    made.go_to("lobby", 100)
    ask_shown(made, iter(["n1", "n2"]).__next__)
    fold(made, error("storage", "The storage is unavailable.", "n1"))
    assert (made.wanted, texts(made.timeline)[-1]) == (0, "The storage is unavailable.")
    assert ask_shown(made, iter(["n3"]).__next__) == [], "until the user asks again"


def test_opening_a_place_loads_its_end_and_shows_it_as_empty_only_if_it_is() -> None:
    made, names = state(Echo()), nonces()
    (asked,) = ask_shown(made, lambda: next(names))
    assert not made.timeline.complete
    fold(made, answer(asked, []))
    assert made.timeline.complete
    made.look_at("tea")
    (asked,) = ask_shown(made, lambda: next(names))
    assert asked.channel == "tea"
    fold(made, answer(asked))
    assert holds(made) == list(range(LAST - 49, LAST + 1))
    assert ask_shown(made, lambda: next(names)) == []


def test_a_server_that_lists_no_places_is_asked_for_earlier_pages_only() -> None:
    made = state(Echo([said(number) for number in range(380, LAST + 1)]))
    made.go_to("lobby", 100)
    (asked,) = ask_shown(made, iter(["n1", "n2"]).__next__)
    fold(made, answer(asked))
    assert made.arrived() == 100
    assert ask_page(made, 100, "n2", forward=True) == HistoryRequest("lobby", "n2", 380)


def test_a_message_confirmed_late_within_a_gap_leaves_a_gap_on_either_side() -> None:
    made = state(Echo([said(1)]))
    made.say("mine", "n1")
    made.lost()
    fold(made, welcome(), Me("ada", op=False), Echo([said(9)], recovered=False), said(5, "ada", nonce="n1"))
    assert texts(made.timeline) == ["1", GAP, "5", GAP, "9"]


ACTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["up", "down"]), st.integers(0, 3)),
        st.tuples(st.sampled_from(["go", "lose", "live"]), st.integers(1, 60)),
    ),
    max_size=12,
)


@given(ACTS)
def test_missing_messages_show_as_a_gap_for_every_order_of_loading(acts: list[tuple[str, int]]) -> None:
    stored, names = list(range(1, 61)), nonces()
    made = state(Echo([said(number) for number in range(51, 61)]), Places([]))

    def load(requests: list[HistoryRequest]) -> None:
        for each in requests:
            fold(made, answer(each, stored))

    for act, number in acts:
        holes = [*made.timeline.covered.holes()]
        if act in {"up", "down"} and number < len(holes):
            asked = ask_page(made, holes[number].low, next(names), forward=act == "down")
            load([asked] if asked else [])
        elif act == "go":
            made.go_to("lobby", number)
            load(ask_shown(made, lambda: next(names)))
        elif act == "live":
            stored.append(stored[-1] + 1)
            fold(made, said(stored[-1]))
        elif act == "lose":
            stored += range(stored[-1] + 1, stored[-1] + 1 + number)
            made.lost()
            echo = Echo([said(each) for each in stored[-number:][-3:]], recovered=number <= 3)
            fold(made, welcome(), Me("ada", op=False), echo, Places([PlaceEntry("lobby", stored[-1])]))
    shown = [None if is_gap(each) else int(each.text) for each in made.timeline.entries if each.text != NOT_THERE]
    for one, other in pairwise(shown):
        assert one is None or other is None or other == one + 1
        assert one is not None or other is not None
    assert shown[-1] == stored[-1]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12), st.integers(0, 30), st.integers(0, 30))
def test_ranges_contain_the_same_numbers_as_a_set(ranges: list[tuple[int, int]], above: int, below: int) -> None:
    made, expected = Coverage(), set[int]()
    for low, high in ranges:
        made.add(low, high)
        expected |= set(range(low, high + 1))
    made.cut_above(above)
    made.cut_below(below)
    expected = {each for each in expected if below <= each <= above}
    assert {number for number in range(-1, 40) if made.holds(number)} == expected
    holes = [*made.holes()]
    assert all(made.holds(each.low) or each.low == BEGINNING for each in holes)
    assert not expected or holes[-1] == Hole(max(expected), END)
