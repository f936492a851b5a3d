"""The state after reports, mutes, blocks and profile requests."""

from collections.abc import Callable
from functools import partial

from msgspec import structs

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    Block,
    Echo,
    History,
    Me,
    Mute,
    Presence,
    Profile,
    ProfileField,
    ProfileRequest,
    Relations,
    ReportRequest,
    Reports,
    ReportStatus,
    Say,
    Takeback,
    Unblock,
    Unmute,
    Webhooks,
    WhoEntry,
)
from tests.support.folding import (
    error,
    fold,
    last_notice,
    lines,
    notice,
    notices,
    reported,
    said,
    state,
    texts,
    welcome,
)
from tests.support.scripted_server import report, stands
from tui.client.own_reports import GONE, KEPT, REFUSED, ReportDraft
from tui.client.profile_view import ProfileView, Stage
from tui.tone import Tone


def test_a_report_is_marked_once_the_server_has_it_and_unmarked_once_it_is_withdrawn() -> None:
    made = state(said(1), said(2))
    line = made.timeline.find(2)
    assert line
    ask = made.report(line, ReportDraft("It's spam", "so"), "n1")
    assert ask == ReportRequest(2, "It's spam", "so", "n1")
    assert reported(made.timeline) == []
    fold(made, stands(ask, "received"))
    assert reported(made.timeline) == [2]
    assert not notices(made.timeline)
    fold(made, stands(ask, "withdrawn"))
    assert reported(made.timeline) == []


def test_the_status_of_a_report_is_shown_in_the_channel_of_its_message() -> None:
    made = state(said(1))
    made.look_at("tea")
    fold(made, ReportStatus(report(1)))
    assert [notice.tone for notice in notices(made.timelines["lobby"])] == [Tone.GOOD]
    fold(made, ReportStatus(report(2, channel="@gone")))
    assert [notice.tone for notice in notices(made.timelines["tea"])] == [Tone.GOOD]


def test_changes_during_an_absence_are_shown_in_the_current_channel() -> None:
    made = state(said(1))
    made.look_at("tea")
    fold(made, Reports([report(1), report(2)], ["rep_1"]))
    assert len(notices(made.timelines["tea"])) == 1
    assert reported(made.timelines["lobby"]) == [1]


def test_a_reported_message_that_arrives_later_is_marked() -> None:
    made = state(Reports([report(4), report(5, status="withdrawn")]), said(4), said(5))
    fold(made, History("lobby", [said(3)], more=False, nonce="n"))
    assert reported(made.timeline) == [4]


def test_a_report_without_an_answer_is_sent_again_after_a_lost_connection() -> None:
    made = state(said(1))
    line = made.timeline.find(1)
    assert line
    made.say("one", "n1")
    ask = made.report(line, ReportDraft("It's spam", "so", (2, 3)), "n2")
    made.lost()
    fold(made, welcome(), Me("ada", op=False))
    assert made.unsent() == [Say("lobby", "one", "n1"), ask]
    fold(made, stands(ask, "received"))
    assert made.unsent() == [Say("lobby", "one", "n1")]


def test_a_report_without_an_answer_is_given_up_when_its_number_means_another_message() -> None:
    made = state(said(1))
    line = made.timeline.find(1)
    assert line
    made.report(line, ReportDraft("It's spam", ""), "n1")
    fold(made, welcome("e2"), Me("ada", op=False), said(1))
    assert made.unsent() == []
    assert notice(GONE, Tone.BAD) in made.timeline.entries
    assert reported(made.timeline) == []


def test_a_refused_report_shows_the_reason_beside_the_message() -> None:
    made = state(said(1))
    line = made.timeline.find(1)
    assert line
    made.report(line, ReportDraft("It's spam", ""), "n1")
    made.look_at("tea")
    fold(made, error(ErrorCode.STORAGE, "The disk is full.", "n1"))
    assert last_notice(made.timelines["lobby"]) == notice(f"{REFUSED} The disk is full. {KEPT}", Tone.BAD)


def test_the_mark_of_a_report_survives_a_reconnect() -> None:
    made = state(said(1), ReportStatus(report(1)))
    made.lost()
    fold(made, welcome(), Me("ada", op=False), Echo([said(1), said(2)]))
    assert reported(made.timeline) == [1]


def test_the_context_of_a_report_is_what_the_reporter_sees() -> None:
    made = state(*(said(number, "carol" if number == 3 else "bob") for number in range(1, 20)))
    line = made.timeline.find(12)
    assert line
    assert made.context_of(line) == ([], [])
    fold(made, structs.replace(welcome(), webhooks=Webhooks(report=True, profile=True, evidence=True)))
    fold(made, Relations(["carol"]))
    before, after = made.context_of(line)
    assert [each.msg_id for each in before] == [1, 2, *range(4, 12)]
    assert [each.msg_id for each in after] == list(range(13, 18))


def test_a_deleted_message_is_deleted_in_every_frame() -> None:
    made = state(said(1), said(2), said(3), Takeback(2), Echo([], taken_back=[3]))
    fold(made, structs.replace(said(4), message="", taken_back=True))
    assert [(each.msg_id, each.text, each.taken_back) for each in lines(made.timeline)] == [
        (1, "1", False),
        (2, "", True),
        (3, "", True),
        (4, "", True),
    ]


def test_a_page_of_history_read_before_a_deletion_does_not_restore_the_text() -> None:
    made = state(said(9), Takeback(3))
    fold(made, History("lobby", [said(3), said(4)], more=False, nonce="n"))
    assert [(each.msg_id, each.text) for each in lines(made.timeline)] == [(3, ""), (4, "4"), (9, "9")]


def test_a_page_of_history_may_contain_a_loaded_message() -> None:
    made = state(said(3))
    fold(made, History("lobby", [structs.replace(said(3), message="", taken_back=True)], more=False, nonce="n"))
    assert [each.taken_back for each in lines(made.timeline)] == [True]


def test_messages_of_a_muted_person_are_not_unread() -> None:
    made = state(Echo())
    assert made.toggle_mute("bob") == Mute("bob")
    fold(made, Relations(["bob"]))
    fold(made, said(1, channel="tea"))
    assert made.timelines["tea"].unread == 0
    assert "“bob” is muted" in last_notice(made.timeline).text
    assert made.toggle_mute("bob") == Unmute("bob")
    fold(made, Relations())
    assert made.relations.returned
    fold(made, said(2, channel="tea"))
    assert made.timelines["tea"].unread == 1
    assert not made.relations.muted


def test_earlier_mutes_apply_after_the_login_without_a_notice() -> None:
    made = state(Relations(["bob"], ["eve"]), Echo(), said(1, channel="tea"), said(2, "eve", "tea"))
    assert made.timelines["tea"].unread == 0
    assert not notices(made.timeline)
    fold(made, Me("ada", op=False))
    assert not made.relations.hidden


def test_a_block_is_confirmed_by_the_server_and_is_not_shown_as_a_departure() -> None:
    made = state(said(1, channel="@bob"))
    assert made.relations.toggle_block("bob") == Block("bob")
    fold(made, Presence("bob", "has exited the room!"), Relations([], ["bob"]))
    assert not notices(made.timelines["@bob"])
    assert "“bob” is blocked" in last_notice(made.timeline).text
    assert made.relations.hidden == {"bob"}
    assert made.relations.toggle_block("bob") == Unblock("bob")
    fold(made, Relations())
    assert last_notice(made.timeline).text == "“bob” is no longer blocked."


def test_a_changed_status_of_a_person_adds_no_notice() -> None:
    made = state(said(1, channel="@bob"), Presence("bob", "", WhoEntry("bob", 2, "lunch", dnd=True)))
    assert not notices(made.timelines["@bob"])
    assert made.people["bob"].status == "lunch"


def test_the_offer_to_mute_ends_with_the_next_action() -> None:
    for go_on in ("say", "turn", "mute", "block", "withdraw"):
        made = state(said(1))
        line = made.timeline.find(1)
        assert line
        ask = made.report(line, ReportDraft("It's spam", ""), "n1")
        offers = [made.mute_offer]
        fold(made, stands(ask))
        # Only once the server has the report.
        assert [*offers, made.mute_offer] == [None, "bob"]
        acts: dict[str, Callable[[], object]] = {
            "say": partial(made.say, "so", "n2"),
            "turn": partial(made.look_at, "tea"),
            "mute": partial(made.toggle_mute, "bob"),
            "block": partial(fold, made, Relations([], ["bob"])),
            "withdraw": partial(fold, made, stands(ask, "withdrawn")),
        }
        acts[go_on]()
        assert not made.mute_offer


def test_muting_is_not_offered_for_a_muted_person() -> None:
    made = state(said(1))
    line = made.timeline.find(1)
    assert line
    fold(made, Relations(["bob"]))
    fold(made, stands(made.report(line, ReportDraft("It's spam", ""), "n1")))
    assert not made.mute_offer


def test_muting_is_offered_where_the_report_was_made() -> None:
    made = state(said(1))
    line = made.timeline.find(1)
    assert line
    ask = made.report(line, ReportDraft("It's spam", ""), "n1")
    made.look_at("tea")
    fold(made, stands(ask))
    assert not made.mute_offer


def test_a_profile_is_loading_until_its_answer_arrives() -> None:
    made = state()
    assert made.ask_profile("bob", "n1") == ProfileRequest("bob", "n1")
    assert made.profile == ProfileView("bob", "n1", Stage.LOADING)
    fold(made, Profile("bob", [ProfileField("Age", "7"), ProfileField("Age", "8")], "n1", "A headline"))
    assert made.profile == ProfileView("bob", "n1", Stage.READY, "A headline", (("Age", "7"), ("Age", "8")))


def test_a_profile_with_an_error_has_failed() -> None:
    made = state()
    made.ask_profile("bob", "n1")
    fold(made, Profile("bob", [], "n1", error="No such person."))
    assert made.profile == ProfileView("bob", "n1", Stage.FAILED, error="No such person.")


def test_an_error_with_its_nonce_ends_the_loading_of_a_profile() -> None:
    made = state()
    made.ask_profile("bob", "n1")
    fold(made, error(ErrorCode.WEBHOOK_OFF, "no profiles", "n1"))
    assert made.profile == ProfileView("bob", "n1", Stage.FAILED, error="no profiles")
    assert texts(made.timeline) == []


def test_a_stale_answer_changes_no_profile() -> None:
    made = state()
    fold(made, Profile("bob", [], "n0"))
    assert made.profile is None
    made.ask_profile("bob", "n1")
    made.ask_profile("carol", "n2")
    fold(made, Profile("bob", [ProfileField("a", "b")], "n1", "stale"))
    fold(made, error(ErrorCode.NOT_HERE, "stale", "n1"))
    assert made.profile == ProfileView("carol", "n2", Stage.LOADING)


def test_an_answer_to_a_closed_profile_does_not_open_it() -> None:
    made = state()
    made.ask_profile("bob", "n1")
    made.profile = None
    fold(made, Profile("bob", [], "n1"))
    assert made.profile is None


def test_a_lost_connection_ends_a_profile_that_is_loading_and_keeps_a_loaded_one() -> None:
    made = state()
    made.ask_profile("bob", "n1")
    made.lost()
    assert made.profile is not None
    assert (made.profile.username, made.profile.stage) == ("bob", Stage.FAILED)
    made.ask_profile("bob", "n2")
    fold(made, Profile("bob", [], "n2", "there"))
    made.lost()
    assert made.profile == ProfileView("bob", "n2", Stage.READY, "there")


def test_an_error_without_a_nonce_is_not_shown_in_an_unfinished_profile() -> None:
    made = state()
    made.ask_profile("bob", "n1")
    made.lost()
    before = made.profile
    fold(made, error(ErrorCode.MALFORMED, "something else"))
    assert made.profile == before
    assert last_notice(made.timeline) == notice("something else", Tone.BAD)
