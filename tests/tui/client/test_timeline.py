"""A timeline holds each message once, in the server's order, with notices where they occurred."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from server.protocol.frames import HistoryRequest
from tui.client.coverage import BEGINNING, END
from tui.client.entries import Line, Notice, Pending
from tui.client.report_context import around
from tui.client.timeline import Timeline
from tui.client.timelines import Timelines

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)


def line(msg_id: int, author: str = "bob") -> Line:
    """A message; ada is the user."""
    return Line(msg_id, author, f"text {msg_id}", AT + timedelta(minutes=msg_id), author == "ada")


def timeline(*numbers: int) -> Timeline:
    """A timeline to which these entries were added in order."""
    made = Timeline("lobby", "Lobby")
    for number in numbers:
        made.add(line(number))
    return made


def pending(nonce: str, text: str = "hi") -> Pending:
    """A message by the user that the server has not confirmed."""
    return Pending(nonce, "ada", text, AT)


def numbers(of: Timeline) -> list[int]:
    """Return the numbers of the messages in the order shown."""
    return [entry.msg_id for entry in of.entries if isinstance(entry, Line)]


def test_messages_are_in_the_order_of_their_numbers() -> None:
    assert numbers(timeline(3, 1, 5, 2, 4)) == [1, 2, 3, 4, 5]


def test_a_number_is_shown_once_with_its_first_text() -> None:
    made = timeline(1, 2)
    assert not made.add(replace(line(2), text="other"))
    assert made.find(2) == line(2)
    assert numbers(made) == [1, 2]


@given(st.lists(st.integers(1, 30)))
def test_any_order_and_any_repetition_give_the_same_timeline(order: list[int]) -> None:
    made = timeline(*order)
    assert numbers(made) == sorted(set(order))


@given(st.lists(st.one_of(st.integers(1, 20), st.none()), max_size=30))
def test_notices_never_change_the_order_of_messages_or_their_own(order: list[int | None]) -> None:
    made = Timeline("lobby", "Lobby")
    for place, number in enumerate(order):
        if number is None:
            made.note(Notice(str(place)))
        else:
            made.add(line(number))
    assert numbers(made) == sorted({number for number in order if number is not None})
    notices = [int(entry.text) for entry in made.entries if isinstance(entry, Notice)]
    assert notices == [place for place, number in enumerate(order) if number is None]


def test_a_message_is_shown_below_an_earlier_notice() -> None:
    made = timeline(1)
    made.note(Notice("n"))
    made.add(line(2))
    assert made.entries == [line(1), Notice("n"), line(2)]


def test_an_older_message_is_inserted_above_the_next_one() -> None:
    made = timeline(1)
    made.note(Notice("gap"))
    made.add(line(9))
    made.add(line(5))
    assert made.entries == [line(1), Notice("gap"), line(5), line(9)]


def test_history_is_shown_above_everything() -> None:
    made = timeline(8, 9)
    for number in (5, 6, 7):
        made.add(line(number))
    assert numbers(made) == [5, 6, 7, 8, 9]


@pytest.mark.parametrize("msg_id", [0, -1, -9])
def test_a_message_with_an_invalid_number_breaks_nothing(msg_id: int) -> None:
    made = Timeline("lobby", "Lobby")
    made.note(Notice("n"))
    made.add(line(msg_id))
    made.add(line(1))
    assert made.find(1) == line(1)


def test_pending_messages_are_last() -> None:
    made = timeline(1)
    made.await_confirmation(pending("n1"))
    made.await_confirmation(pending("n2"))
    made.add(line(2))
    made.note(Notice("n"))
    assert made.entries == [line(1), line(2), Notice("n"), pending("n1"), pending("n2")]


def test_a_confirmed_message_replaces_the_pending_one() -> None:
    made = timeline()
    made.await_confirmation(pending("n1"))
    made.await_confirmation(pending("n2"))
    assert made.add(line(1, "ada"), "n1")
    assert made.entries == [line(1, "ada"), pending("n2")]


def test_a_repeated_confirmation_counts_once() -> None:
    made = timeline()
    made.await_confirmation(pending("n1"))
    assert [made.add(line(1, "ada"), "n1") for _ in range(3)] == [True, False, False]
    assert made.entries == [line(1, "ada")]


def test_a_repeated_message_still_confirms_the_pending_one() -> None:
    made = timeline()
    made.add(line(1, "ada"))
    made.await_confirmation(pending("n1"))
    assert not made.add(line(1, "ada"), "n1")
    assert made.entries == [line(1, "ada")]


def test_a_nonce_of_another_user_confirms_nothing() -> None:
    made = timeline()
    made.await_confirmation(pending("n1"))
    made.add(line(1, "bob"), "n1")
    assert made.entries == [line(1, "bob"), pending("n1")]


@pytest.mark.parametrize("nonce", [None, "", "n2"])
def test_only_its_nonce_confirms_a_message(nonce: str | None) -> None:
    made = timeline()
    made.await_confirmation(pending("n1"))
    made.add(line(1, "ada"), nonce)
    assert made.entries == [line(1, "ada"), pending("n1")]


def test_messages_after_a_failed_one_are_shown_below_it() -> None:
    made = timeline(1)
    made.await_confirmation(pending("n1", "first"))
    made.await_confirmation(pending("n2", "second"))
    made.fail("n1", "too long")
    made.add(line(2))
    made.add(line(3, "ada"), "n2")
    assert [entry.text for entry in made.entries] == ["text 1", "first", "text 2", "text 3"]
    assert not made.fail("n1", "once more")


def test_a_failed_message_stays_and_is_not_sent_again() -> None:
    made = timeline()
    made.await_confirmation(pending("n1"))
    made.await_confirmation(pending("n2"))
    assert made.fail("n1", "too long")
    assert made.entries == [replace(pending("n1"), failure="too long"), pending("n2")]
    assert made.unsent() == [pending("n2")]


def test_the_latest_failed_message_is_returned_for_editing() -> None:
    made = timeline(1)
    for nonce in ("n1", "n2"):
        made.await_confirmation(pending(nonce))
    made.fail("n2", "too long")
    made.fail("n1", "too fast")
    made.add(line(2))
    assert made.has_failed
    assert [made.pop_failed().nonce, made.pop_failed().nonce] == ["n1", "n2"]
    assert list(made.entries) == [line(1), line(2)]
    assert not made.has_failed


def test_an_unknown_nonce_marks_no_message_as_failed() -> None:
    made = timeline(1)
    assert not made.fail("n1", "x")
    assert not made.fail("", "x")


def test_the_flag_of_a_report_is_on_its_message_alone_and_stays() -> None:
    made = timeline(1, 2, 3)
    made.note(Notice("n"))
    made.mark_reported({2: "delivered"})
    made.add(line(2))
    made.add(line(4))
    assert [each.msg_id for each in made.entries if isinstance(each, Line) and each.reported] == [2]
    assert numbers(made) == [1, 2, 3, 4]


def test_the_flag_is_reset_when_the_report_is_not_listed_any_more() -> None:
    made = Timelines()
    for number in (1, 2):
        made.obtain("lobby").add(line(number))
    made.mark_reported({1: "waiting", 2: "waiting"})
    made.mark_reported({2: "delivered"})
    assert [each.msg_id for each in made["lobby"].entries if isinstance(each, Line) and each.reported] == [2]


def test_a_deleted_message_keeps_its_place_and_loses_its_text() -> None:
    made = timeline(1, 2, 3)
    shown = made.find(2)
    assert shown
    made.take_back([2, 9])
    assert made.entries == [line(1), replace(line(2), text="", taken_back=True), line(3)]
    assert made.holds(shown)


@pytest.mark.parametrize(
    ("before", "after", "numbers"),
    [(2, 1, ([3, 4], [6])), (10, 5, ([1, 2, 3, 4], [6, 7])), (0, 0, ([], [])), (-1, -1, ([], []))],
)
def test_the_context_of_a_message_is_the_nearest_messages_in_order(
    before: int, after: int, numbers: tuple[list[int], list[int]]
) -> None:
    made = timeline(*range(1, 8))
    made.note(Notice("n"))
    made.await_confirmation(pending("n1"))
    earlier, later = around(made, 5, before, after)
    assert ([each.msg_id for each in earlier], [each.msg_id for each in later]) == numbers


def test_the_context_of_a_message_contains_only_readable_messages() -> None:
    made = timeline(1, 3)
    made.add(line(2, "mallory"))
    made.add(line(4, "mallory"))
    made.add(line(5))
    made.take_back([1])
    assert around(made, 3, 10, 10, {"mallory"}) == ([], [line(5)])


def test_deleted_messages_count_towards_the_context_of_a_report() -> None:
    made = timeline(*range(1, 8))
    made.take_back([3, 5])
    assert around(made, 4, 2, 2) == ([line(2)], [line(6)])


def test_the_context_of_a_message_ends_at_a_gap() -> None:
    made = timeline(1, 2)
    made.cover(1, 2)
    made.add(line(10))
    made.cover(10, END)
    made.add(line(11))
    made.note(Notice("a word of the server"))
    made.add(line(12))
    assert around(made, 11, 10, 5) == ([line(10)], [line(12)])
    assert around(made, 2, 10, 5) == ([line(1)], [])


def test_a_number_that_is_not_loaded_is_not_found() -> None:
    assert timeline().find(1) is None
    assert timeline(1, 3).find(2) is None
    assert timeline(1, 3).find(0) is None


def test_a_new_numbering_keeps_notices_and_pending_messages() -> None:
    made = timeline(5, 6)
    made.note(Notice("n"))
    made.await_confirmation(pending("n1"))
    made.forget()
    assert made.entries == [Notice("n"), pending("n1")]
    assert made.add(line(5))
    assert made.add(line(2))
    assert numbers(made) == [2, 5]


def test_a_new_numbering_may_have_older_messages_and_nothing_is_unread_of_the_old_one() -> None:
    made = timeline(5)
    made.cover(BEGINNING, END)
    made.unread, made.requests["n1"] = 3, HistoryRequest("lobby", "n1")
    made.forget()
    assert (made.covered.holds(BEGINNING), made.requests, made.unread) == (False, {}, 0)


def test_notices_moved_from_another_timeline_come_first() -> None:
    made, other = timeline(1), Timeline("", "")
    other.note(Notice("a"))
    other.note(Notice("b"))
    made.move_notices_from(other)
    assert made.entries == [Notice("a"), Notice("b"), line(1)]
    assert other.entries == []


def test_a_reused_number_is_another_message() -> None:
    made = Timeline("lobby", "Lobby")
    old = line(1, "bob")
    made.add(old)
    assert made.holds(replace(old, report="delivered"))
    made.forget()
    assert not made.holds(old)
    made.add(line(1, "carol"))
    assert not made.holds(old)


def passing(text: str, topic: str = "") -> Notice:
    """A notice that does not last."""
    return Notice(text, at=AT, topic=topic, lasting=False)


def notices_of(made: Timeline) -> list[str]:
    return [each.text for each in made.entries if isinstance(each, Notice)]


def test_a_notice_between_messages_is_removed_when_the_next_one_arrives() -> None:
    made = timeline(1)
    made.note(passing("one"))
    made.note(passing("two"))
    made.note(Notice("a word of the server"))
    made.add(line(2))
    assert notices_of(made) == ["one", "two", "a word of the server"]
    made.note(passing("three"))
    assert notices_of(made) == ["a word of the server", "three"]
    assert numbers(made) == [1, 2]


def test_a_notice_replaces_an_earlier_one_about_the_same_subject() -> None:
    made = timeline(1)
    made.note(passing("No connection.", "connection"))
    made.note(passing("unknown command"))
    made.note(passing("Connected again.", "connection"))
    assert notices_of(made) == ["unknown command", "Connected again."]
    assert made.has_notice("connection")
