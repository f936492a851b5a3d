"""Folding the server's frames and the user's own messages into the state."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    ChannelEntry,
    DirectMessages,
    Disconnect,
    Echo,
    History,
    HistoryRequest,
    Limits,
    Me,
    Pong,
    Presence,
    Say,
    Since,
    Webhooks,
    Welcome,
    Who,
    WhoEntry,
)
from tests.support.folding import AT, error, fold, last_notice, notice, numbers, said, state, texts, welcome
from tui.client.coverage import BEGINNING
from tui.client.entries import Line, Pending
from tui.client.fold import NEW_NUMBERING, NOT_KEPT
from tui.client.loading import ask_older
from tui.client.state import CONNECTION, ClientState
from tui.client.timeline import GAP, Timeline
from tui.tone import Tone


def test_the_first_channel_is_open_at_the_start() -> None:
    made = state()
    assert (made.current, made.place) == ("lobby", "# Lobby")
    assert [(each.id, each.name) for each in made.timelines.values()] == [("lobby", "Lobby"), ("tea", "Tea")]


def test_notices_wait_until_there_is_a_channel() -> None:
    made = ClientState(now=lambda: AT)
    made.note("early")
    assert (made.place, made.since, texts(made.timeline)) == ("", None, ["early"])
    fold(made, welcome())
    assert texts(made.timelines["lobby"]) == ["early"]


def test_a_channel_that_is_renamed_keeps_its_messages() -> None:
    made = state(said(1))
    fold(made, Welcome("e1", "R", [ChannelEntry("lobby", "Foyer")], Webhooks(report=True, profile=True), [], Limits()))
    assert (made.place, texts(made.timeline)) == ("# Foyer", ["1"])


def test_a_channel_that_no_longer_exists_is_left_out() -> None:
    made = state(welcome("e1", "lobby", "tea"), said(1, channel="tea"), said(2, channel="@bob"))
    fold(made, welcome("e1", "lobby"))
    assert list(made.timelines) == ["lobby", "@bob"]
    assert texts(made.timeline) == []


def test_a_removed_channel_stays_listed_while_it_is_open() -> None:
    made = state(welcome("e1", "lobby", "tea"), said(1, channel="tea"))
    made.look_at("tea")
    for _ in range(2):
        fold(made, welcome("e1", "lobby"))
    assert texts(made.timeline) == ["1", "# Tea no longer exists; nothing can be sent here."]
    made.look_at("lobby")
    assert list(made.timelines) == ["lobby"]


def test_a_channel_with_a_pending_message_stays_listed() -> None:
    made = state(welcome("e1", "lobby", "tea"))
    made.say("Is anybody there?", "n1", "tea")
    fold(made, welcome("e1", "lobby"))
    assert list(made.timelines) == ["lobby", "tea"]
    fold(made, said(2, "ada", "tea", "n1"))
    made.look_at("lobby")
    assert list(made.timelines) == ["lobby"]


def test_own_messages_are_recognised_by_the_granted_name() -> None:
    made = state(said(1, "ada"), said(2, "bob"))
    assert [entry.mine for entry in made.timeline.entries if isinstance(entry, Line)] == [True, False]


def test_a_sent_message_is_pending_until_it_has_a_number() -> None:
    made = state(said(1))
    assert made.say("hello", "n1") == Say("lobby", "hello", "n1")
    assert made.timeline.entries[-1] == Pending("n1", "ada", "hello", AT)
    fold(made, said(2, "ada", nonce="n1"))
    assert texts(made.timeline) == ["1", "2"]
    assert made.unsent() == []


def test_a_message_of_another_user_with_the_same_nonce_confirms_nothing() -> None:
    made = state()
    made.say("hello", "n1")
    fold(made, said(1, "bob", nonce="n1"))
    assert texts(made.timeline) == ["1", "hello"]
    assert made.unsent() == [Say("lobby", "hello", "n1")]


def test_a_message_is_confirmed_in_the_channel_where_it_was_written() -> None:
    made = state()
    made.look_at("tea")
    made.say("hello", "n1")
    made.look_at("lobby")
    fold(made, said(1, "ada", "tea", "n1"))
    assert texts(made.timelines["tea"]) == ["1"]
    assert texts(made.timelines["lobby"]) == []


def test_a_refused_message_shows_the_reason_and_is_not_resent() -> None:
    made = state()
    made.say("one", "n1")
    made.say("two", "n2")
    fold(made, error(ErrorCode.BAD_MESSAGE, "too long", "n1"))
    assert made.timeline.entries[0] == Pending("n1", "ada", "one", AT, "too long")
    assert made.unsent() == [Say("lobby", "two", "n2")]
    assert texts(made.timeline) == ["one", "two"]


def test_unconfirmed_messages_are_sent_again_with_their_nonces() -> None:
    made = state()
    made.say("one", "n1")
    made.look_at("@bob")
    made.say("two", "n2")
    made.lost()
    fold(made, welcome(), Me("ada", op=False))
    assert made.unsent() == [Say("lobby", "one", "n1"), Say("@bob", "two", "n2")]


def test_a_message_stored_before_the_connection_was_lost_is_confirmed_by_the_echo() -> None:
    made = state(said(1))
    made.say("one", "n1")
    made.lost()
    fold(made, welcome(), Me("ada", op=False), Echo([said(2, "ada", nonce="n1")]), said(2, "ada", nonce="n1"))
    assert texts(made.timeline) == ["1", "2"]
    assert made.unsent() == []


def test_since_is_the_newest_message_seen_in_any_channel() -> None:
    made = ClientState(now=lambda: AT)
    fold(made, welcome())
    assert made.since is None
    fold(made, Me("ada", op=False))
    fold(made, Echo([said(4), said(6, channel="tea")]), said(5))
    assert made.since == Since("e1", 6)


def test_history_does_not_change_where_to_catch_up_from() -> None:
    made = state(said(9), History("lobby", [said(3), said(4)], more=False, nonce="n1"))
    assert made.since == Since("e1", 9)


def test_an_echo_after_a_reconnect_adds_what_was_missed_and_nothing_twice() -> None:
    made = state(Echo([said(1), said(2)]))
    made.lost()
    fold(made, welcome(), Me("ada", op=False), said(5), Echo([said(2), said(3), said(4), said(5)]), said(3))
    assert numbers(made.timeline) == [1, 2, 3, 4, 5]
    assert GAP not in texts(made.timeline)


def test_a_gap_is_shown_between_loaded_and_new_messages() -> None:
    made = state(Echo([said(1)]))
    made.lost()
    fold(made, welcome(), Me("ada", op=False), Echo([said(90), said(91)], recovered=False))
    assert texts(made.timeline) == ["1", GAP, "90", "91"]
    assert texts(made.timelines["tea"]) == [], "nothing of it is loaded"
    assert not made.timelines["tea"].covered.holds(BEGINNING)


def test_a_new_epoch_removes_the_old_messages_and_says_so() -> None:
    made = state(Echo([said(7), said(8, channel="tea")]))
    made.say("mine", "n1")
    made.lost()
    fold(made, welcome("e2"))
    assert made.since == Since("e2", 0)
    fold(made, Me("ada", op=False), Echo([said(1), said(2)]))
    assert texts(made.timeline) == [NEW_NUMBERING, "1", "2", "mine"]
    assert numbers(made.timelines["tea"]) == []
    assert made.unsent() == [Say("lobby", "mine", "n1")]


def test_the_same_epoch_removes_nothing() -> None:
    made = state(Echo([said(7)]), welcome("e1"))
    assert texts(made.timeline) == ["7"]


def test_older_messages_can_be_requested_after_a_new_epoch() -> None:
    made = state(said(7))
    ask_older(made, "n1")
    fold(made, History("lobby", [], more=False, nonce="n1"))
    fold(made, welcome("e2"), Me("ada", op=False), Echo([said(50)]))
    assert ask_older(made, "n2") == HistoryRequest("lobby", "n2", 50)


def test_messages_of_others_out_of_view_are_unread() -> None:
    made = state(Echo(), said(1), said(2, channel="tea"), said(3, "ada", "tea"), said(4, channel="tea"))
    assert {each.id: each.unread for each in made.timelines.values()} == {"lobby": 0, "tea": 2}
    fold(made, said(4, channel="tea"))
    assert made.timelines["tea"].unread == 2
    made.look_at("tea")
    assert made.timelines["tea"].unread == 0
    fold(made, said(5))
    assert made.timelines["lobby"].unread == 1


def test_the_mark_of_new_messages_stays_at_the_first_unread_one_until_another_channel_is_opened() -> None:
    made = state(Echo([said(1, channel="tea")]), said(2, channel="tea"), said(3, channel="tea"))
    made.look_at("tea")
    fold(made, said(4, channel="tea"))
    made.look_at("tea")
    assert made.timelines["tea"].new_from == 2
    made.look_at("lobby")
    assert made.timelines["tea"].new_from == 0
    fold(made, said(5, channel="tea"))
    made.look_at("tea")
    assert made.timelines["tea"].new_from == 5


def test_recent_messages_at_the_start_are_not_unread() -> None:
    made = state(Echo([said(1), said(2, channel="tea")]))
    assert made.timelines["tea"].unread == 0


def test_messages_missed_while_offline_are_unread() -> None:
    made = state(Echo([said(1)]))
    made.lost()
    fold(made, welcome(), Me("ada", op=False), Echo([said(2, channel="tea")]))
    assert made.timelines["tea"].unread == 1


def test_messages_missed_while_offline_are_unread_even_in_an_empty_channel() -> None:
    made = state(Echo())
    made.lost()
    assert made.since == Since("e1", 0)
    fold(made, welcome(), Me("ada", op=False), Echo([said(1, channel="tea")]))
    assert made.timelines["tea"].unread == 1


def test_messages_loaded_from_history_are_not_unread() -> None:
    made = state(said(9), History("tea", [said(1, channel="tea")], more=False, nonce="n1"))
    assert made.timelines["tea"].unread == 0


def test_messages_of_an_earlier_numbering_are_not_unread() -> None:
    made = state(Echo(), said(1, channel="tea"), welcome("e2"))
    assert made.timelines["tea"].unread == 0


def test_a_direct_message_begins_a_conversation() -> None:
    made = state(Echo(), said(1, channel="@bob"))
    assert (made.timelines["@bob"].name, made.timelines["@bob"].unread) == ("@bob", 1)
    made.look_at("@bob")
    assert made.place == "@bob"
    assert made.say("hi", "n1") == Say("@bob", "hi", "n1")


def test_people_who_join_or_leave_are_listed_or_removed() -> None:
    made = state(Presence("carol", "has joined.", WhoEntry("carol", 3)), Presence("bob", "has left."))
    assert sorted(made.people) == ["ada", "carol"]
    fold(made, Presence("nobody", "has left."))
    assert sorted(made.people) == ["ada", "carol"]
    fold(made, Who([WhoEntry("ada", 1)]))
    assert sorted(made.people) == ["ada"]


def test_only_a_conversation_shows_that_the_other_person_joined_or_left() -> None:
    made = state()
    made.look_at("@bob")
    fold(made, Presence("bob", "has left."))
    fold(made, Presence("carol", "has left."))
    assert texts(made.timelines["@bob"]) == ["“bob” has left."]
    assert texts(made.timelines["lobby"]) == []


def test_older_messages_are_requested_one_page_at_a_time_while_there_are_any() -> None:
    made = state(said(9))
    assert ask_older(made, "n1") == HistoryRequest("lobby", "n1", 9)
    assert ask_older(made, "n2") is None
    fold(made, History("lobby", [said(3), said(4)], more=True, nonce="n1"))
    assert numbers(made.timeline) == [3, 4, 9]
    assert ask_older(made, "n3") == HistoryRequest("lobby", "n3", 3)
    fold(made, History("lobby", [said(1)], more=False, nonce="n3"))
    assert ask_older(made, "n4") is None


def test_older_messages_can_be_requested_again_after_a_lost_connection_or_an_error() -> None:
    made = state(said(9))
    ask_older(made, "n1")
    made.lost()
    assert ask_older(made, "n2") == HistoryRequest("lobby", "n2", 9)
    fold(made, error(ErrorCode.STORAGE, "disk", "n2"))
    assert last_notice(made.timeline) == notice("disk", Tone.BAD)
    assert ask_older(made, "n3") == HistoryRequest("lobby", "n3", 9)


def test_an_error_without_a_request_is_shown_in_the_current_channel() -> None:
    made = state()
    made.look_at("tea")
    fold(made, error(ErrorCode.INTERNAL, "a fault", "n9"))
    assert made.timelines["tea"].entries == [notice("a fault", Tone.BAD)]


def test_a_notice_is_shown_in_its_channel_or_else_in_the_current_one() -> None:
    made = state()
    fold(made, error(ErrorCode.NOTICE, "**welcome**", channel="tea"))
    fold(made, error(ErrorCode.NOTICE, "unplaced", channel="nowhere"))
    assert made.timelines["tea"].entries == [notice("**welcome**", Tone.SAID)]
    assert made.timelines["lobby"].entries == [notice("unplaced", Tone.SAID)]
    assert "nowhere" not in made.timelines


def test_a_refused_name_is_shown_as_refused_until_one_is_granted() -> None:
    made = ClientState(now=lambda: AT)
    fold(made, welcome(), error(ErrorCode.BAD_NAME, "not that one"))
    assert made.refused_name == "not that one"
    assert texts(made.timeline) == []
    fold(made, Me("ada", op=False))
    assert not made.refused_name
    assert made.me == "ada"


def test_a_farewell_is_shown_until_the_connection_ends_and_a_ping_changes_nothing() -> None:
    made = state()
    fold(made, Pong())
    assert texts(made.timeline) == []
    fold(made, Disconnect("The server restarts.", 1012, reconnect=True))
    assert texts(made.timeline) == ["The server restarts."]
    made.note("No connection: the server restarts.", topic=CONNECTION)
    assert texts(made.timeline) == ["No connection: the server restarts."]


CHANNELS = ("lobby", "tea", "@bob")


@given(
    st.sets(st.integers(1, 25), min_size=1).flatmap(
        lambda known: st.tuples(
            st.just(known),
            st.lists(
                st.tuples(st.sampled_from(["live", "echo", "history"]), st.lists(st.sampled_from(sorted(known)))),
                max_size=12,
            ),
        )
    )
)
def test_any_interleaving_of_live_echo_and_history_gives_the_sorted_unique_timeline(
    plan: tuple[set[int], list[tuple[str, list[int]]]],
) -> None:
    known, deliveries = plan
    every = {number: said(number, channel=CHANNELS[number % 3]) for number in known}
    made = state()
    for way, some in [*deliveries, ("echo", sorted(known))]:
        if way == "live":
            fold(made, *[every[number] for number in some])
        elif way == "echo":
            fold(made, Echo([every[number] for number in sorted(set(some))]))
        else:
            for channel in CHANNELS:
                page = [every[number] for number in sorted(set(some)) if every[number].channel == channel]
                fold(made, History(channel, page, more=True, nonce="n"))
    for at, channel in enumerate(CHANNELS):
        here = sorted(number for number in known if number % 3 == at)
        shown = made.timelines[channel] if channel in made.timelines else Timeline("", "")
        assert numbers(shown) == here
        assert texts(shown) == [str(number) for number in here]
    assert made.since == Since("e1", max(known))


@given(st.permutations(["confirm 1", "confirm 2", "say 1", "say 2", "echo", "bob"]))
def test_in_any_order_a_confirmed_message_is_shown_once_and_later_ones_are_pending(order: list[str]) -> None:
    made = state()
    confirmed = {"confirm 1": said(5, "ada", nonce="n1"), "confirm 2": said(6, "ada", nonce="n2")}
    for act in order:
        if act.startswith("say"):
            made.say(act, f"n{act[-1]}")
        elif act in confirmed:
            fold(made, confirmed[act])
        elif act == "echo":
            fold(made, Echo(list(confirmed.values())))
        else:
            fold(made, said(7))
    fold(made, *confirmed.values())
    assert numbers(made.timeline) == [5, 6, 7]
    assert made.unsent() == []
    assert len(made.timeline.entries) == 3


def test_a_message_sent_under_an_earlier_name_is_the_users_own_and_shown_once() -> None:
    made = state()
    made.say("hi", "n1")
    made.lost()
    fold(made, welcome(), Me("ada 2", op=False), said(7, "ada", nonce="n1"))
    assert [type(entry) for entry in made.timeline.entries] == [Line]
    assert not made.unsent()


def test_the_server_says_which_messages_are_the_users_own_whatever_their_author_is_called() -> None:
    whose = [("ada", None), ("ada", False), ("ada 2", True), ("bob", None)]
    made = state(*(replace(said(number, author=name), own=own) for number, (name, own) in enumerate(whose, 1)))
    assert [line.mine for line in made.timeline.entries if isinstance(line, Line)] == [True, False, True, False]


def test_a_list_of_people_in_several_frames_replaces_the_former_one_when_it_is_complete() -> None:
    made = state(Who([WhoEntry("cyd", 3)], more=True))
    assert set(made.people) == {"ada", "bob"}
    fold(made, Who([WhoEntry("dan", 4)], more=True), Who([WhoEntry("eve", 5)]))
    assert set(made.people) == {"cyd", "dan", "eve"}
    fold(made, Who([WhoEntry("lost", 6)], more=True), Me("ada", op=False), Who([WhoEntry("ada", 7)]))
    assert set(made.people) == {"ada"}


def test_a_channel_for_vips_stays_while_the_client_reconnects() -> None:
    made = state(welcome("e1", "lobby", "vip"), said(1, channel="vip"))
    made.look_at("vip")
    made.lost()
    fold(made, welcome("e1", "lobby"), Me("ada", op=False), welcome("e1", "lobby", "vip"), Echo())
    assert (made.current, texts(made.timeline)) == ("vip", ["1"])
    made.lost()
    fold(made, welcome("e1", "lobby"), Me("ada", op=False), Echo())
    assert last_notice(made.timeline).text == "# Vip no longer exists; nothing can be sent here."


def test_each_conversation_begins_with_the_disclaimer_of_the_room() -> None:
    made = state(said(5, channel="@bob"))
    disclaimer = "Moderators can read reported messages."
    fold(made, replace(welcome(), direct_messages=DirectMessages(kept=False, disclaimer=disclaimer)))
    made.look_at("@eve")
    assert texts(made.timelines["@bob"]) == [disclaimer, "5"]
    assert texts(made.timelines["@eve"]) == [disclaimer]
    assert texts(made.timelines["lobby"]) == []
    fold(made, said(2, channel="@bob"))
    assert texts(made.timelines["@bob"])[0] == disclaimer
    fold(made, replace(welcome(), direct_messages=DirectMessages(kept=False)))
    made.look_at("@zoe")
    assert texts(made.timelines["@zoe"]) == [NOT_KEPT]


def test_an_operator_escapes_a_slash_with_a_second_one() -> None:
    made = state()
    assert made.say("/shrug", "n-1").message == "/shrug"
    fold(made, Presence("ada", "", WhoEntry("ada", 1, op=True)))
    assert made.is_operator
    assert made.say("/shrug", "n-2").message == "//shrug"
    assert texts(made.timeline)[-1] == "/shrug"
