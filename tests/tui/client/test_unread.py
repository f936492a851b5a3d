"""What is unread until it was on the screen, and which places come first."""

import pytest

from server.protocol.frames import Echo, Message, PlaceEntry, Places, Read, Relations
from server.protocol.mentions import mentions
from tests.support.folding import AT, fold, said, state
from tui.client import named_texts, unread
from tui.client import state as client_state
from tui.client.coverage import BEGINNING
from tui.client.state import ClientState
from tui.client.unread import Unseen


def at(number: int, text: str, author: str = "bob", channel: str = "lobby") -> Message:
    return Message(channel, author, text, number, AT)


def viewed(*, watched: bool) -> ClientState:
    """Return a client with a view, which the user watches or not."""
    made = state(Echo([said(1)]))
    made.watched = lambda: watched
    return made


def counts(made: ClientState, channel: str = "lobby") -> tuple[int, int, int]:
    timeline = made.timelines[channel]
    return timeline.unread, timeline.mentions, timeline.new_from


def test_unseen_messages_of_the_current_place_are_unread_until_they_are_on_the_screen() -> None:
    made = viewed(watched=False)
    fold(made, at(2, "ada?"), at(3, "mine", "ada"), at(4, "so"), at(5, "Ada!"))
    assert counts(made) == (3, 2, 2)
    assert made.unseen(2) == Unseen(2, 1)
    assert made.see(4)
    assert counts(made) == (1, 1, 2), "the line above the new ones stays"
    assert not made.see(3)
    assert made.see(5)
    assert counts(made) == (0, 0, 2)
    assert made.markers.drain() == [Read("lobby", 5)]
    assert made.markers.drain() == []


def test_names_are_searched_for_once_in_each_unread_message(monkeypatch: pytest.MonkeyPatch) -> None:
    made, sought = viewed(watched=False), []

    def seek(text: str, words: tuple[str, ...]) -> bool:
        sought.append(text)
        return mentions(text, words)

    fold(made, *[at(number, f"so {number}") for number in range(2, 20)])
    assert made.unseen(1) == Unseen(18, 0)
    for module in (client_state, named_texts):
        monkeypatch.setattr(module, "mentions", seek)
    fold(made, at(20, "Ada!"))
    assert [made.unseen(1), made.unseen(1)] == [Unseen(19, 1)] * 2
    # Once to count it in the list, and once to count it here.
    assert sought == ["Ada!"] * 2
    made.words = ("so",)
    assert made.unseen(1) == Unseen(19, 19)


def test_messages_that_arrive_while_the_user_looks_are_read() -> None:
    made = viewed(watched=True)
    fold(made, at(2, "ada?"))
    assert counts(made) == (0, 0, 0)
    assert made.markers.drain() == [Read("lobby", 2)]


def test_opening_a_place_alone_marks_nothing_as_read() -> None:
    made = viewed(watched=True)
    fold(made, at(2, "x", channel="tea"))
    made.look_at("tea")
    assert counts(made, "tea") == (1, 0, 2)
    assert made.wants_new
    made.look_at("lobby")
    made.look_at("tea")
    assert counts(made, "tea") == (1, 0, 2), "the line is there again"


def test_the_list_of_the_server_says_what_is_unread() -> None:
    made = state(Echo([said(8), said(9)]), Places([PlaceEntry("lobby", 9, 7, 2, 1), PlaceEntry("@carol", 4, 2, 1)]))
    assert counts(made) == (2, 1, 8)
    assert counts(made, "@carol") == (1, 0, 0), "not loaded yet"
    assert not made.timelines["@carol"].covered.holds(BEGINNING)


def test_a_waiting_message_that_is_already_read_is_not_new() -> None:
    made = state(Echo([at(3, "psst", channel="@bob")]), Places([PlaceEntry("@bob", 3, 3)]))
    assert counts(made, "@bob") == (0, 0, 0)


def test_what_this_client_read_and_the_server_does_not_know_yet_stays_read() -> None:
    made = viewed(watched=True)
    fold(made, at(2, "x"), at(3, "y"))
    made.lost()
    fold(made, Echo([at(4, "z")]), Places([PlaceEntry("lobby", 4, 1, 3)]))
    assert counts(made) == (0, 0, 0)


def test_messages_read_in_another_client_are_read_here_too() -> None:
    made = viewed(watched=False)
    fold(made, at(2, "ada"), at(3, "ada"), Read("lobby", 2))
    assert counts(made)[:2] == (1, 1)
    fold(made, Read("lobby", 3), Read("nowhere", 3))
    assert counts(made)[:2] == (0, 0)
    assert made.markers.drain() == []


def test_messages_that_are_not_loaded_stay_unread() -> None:
    made = state(Echo(), Places([PlaceEntry("lobby", 90, 10, 60, 3)]))
    assert made.unseen(0) == Unseen(60, 3)
    made.watched = lambda: True
    assert made.see(12)
    assert counts(made)[:2] == (60, 3)


def test_marking_a_place_as_read_sends_its_last_message() -> None:
    made = state(Echo(), Places([PlaceEntry("tea", 90, 10, 60, 3)]))
    assert made.see_all("tea")
    assert counts(made, "tea") == (0, 0, 0)
    assert made.markers.drain() == [Read("tea", 90)]
    assert not made.see_all("tea")


def test_messages_of_hidden_people_and_deleted_ones_are_not_unread() -> None:
    made = viewed(watched=False)
    fold(made, at(2, "ada"), at(3, "ada", "eve"), Relations(["eve"]))
    made.see(1)
    assert made.unseen(1) == Unseen(1, 1)


@pytest.mark.parametrize("muted", ["", "tea"])
def test_unread_conversations_and_mentions_rank_first_then_the_oldest(muted: str) -> None:
    made = state(
        Places(
            [
                PlaceEntry("lobby", 9, 5, 1),
                PlaceEntry("tea", 9, 3, 1, 1),
                PlaceEntry("@bob", 9, 4, 1),
                PlaceEntry("@carol", 9, 9),
            ]
        )
    )
    ordered = unread.by_importance(made.timelines.values(), lambda each: each == muted)
    assert [each.id for each in ordered] == (["@bob", "lobby"] if muted else ["tea", "@bob", "lobby"])
    assert unread.personal(made.timelines.values(), lambda each: each == muted) == (1 if muted else 2)


def test_a_closed_conversation_reappears_with_a_new_message() -> None:
    made = state(Echo(), at(3, "x", channel="@bob"))
    assert made.close("lobby") == "Only conversations can be closed. To mute a channel: /notices none"
    assert made.close("@bob") is None
    assert "@bob" not in made.timelines
    assert made.markers.drain()[-1] == Read("@bob", 3, closed=True)
    fold(made, at(4, "y", channel="@bob"))
    assert counts(made, "@bob")[0] == 1
    fold(made, Read("@bob", 4, closed=True))
    assert "@bob" not in made.timelines, "closed in another client"


def test_a_conversation_with_an_unsent_message_is_not_closed() -> None:
    made = state(Echo(), at(3, "x", channel="@bob"))
    made.say("wait", "n1", "@bob")
    assert made.close("@bob")
    fold(made, Read("@bob", 4, closed=True))
    assert "@bob" in made.timelines


def test_a_message_to_an_absent_person_is_noted_once_as_waiting() -> None:
    made = state(Echo())
    for number in (3, 4):
        made.say("hello", f"n{number}", "@carol")
        fold(made, Message("@carol", "ada", "hello", number, AT, f"n{number}"))
    waits = [each.text for each in made.timelines["@carol"].entries if "away" in each.text]
    assert waits == ["“carol” is away, and will see your messages when they return."]
    made.say("hello", "n5", "@bob")
    fold(made, Message("@bob", "ada", "hello", 5, AT, "n5"))
    assert len(made.timelines["@bob"].entries) == 1


def test_line_mode_counts_loaded_messages_as_seen() -> None:
    made = state(
        Echo([at(3, "psst", channel="@bob")]), Places([PlaceEntry("@bob", 3, 0, 1), PlaceEntry("tea", 9, 2, 4)])
    )
    made.see_loaded()
    assert counts(made, "@bob")[0] == 0
    assert counts(made, "tea")[0] == 4
